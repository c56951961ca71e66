-- Keeps an answer and counts the buffers.
-- $1 the Idempotency-Key.
-- Result: the plan as JSON, with the buffers that the function has read and written.
explain (analyze, buffers, timing off, format json)
select keep_answer(md5('user')::uuid, $1, 'fingerprint', row('created', 1, null, null, null, null)::write_result)

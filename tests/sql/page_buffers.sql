-- Reads a page of tasks and counts the buffers.
-- $1 to $18 parameters of `task_page`.
-- Result: the plan as JSON, with the buffers that the function has read.
explain (analyze, buffers, timing off, format json)
select * from task_page(
    $1::text::uuid, $2::text[], $3::text[], $4::text[], $5::text[], $6::text, $7::text, $8::boolean, $9::text, $10::text, $11::text[],
    $12::text[], $13::boolean, $14::text, $15::boolean, $16::text, $17::text, $18::bigint)

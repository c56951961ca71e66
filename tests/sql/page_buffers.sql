-- Reads a page of tasks and counts the buffers.
-- $1 to $17 parameters of `task_page`.
-- Result: the plan as JSON, with the buffers that the function has read.
explain (analyze, buffers, timing off, format json)
select * from task_page(
    $1::text::uuid, $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean, $8::boolean, $9::text, $10::boolean,
    $11::text[], $12::text[], $13::text[], $14::text, $15::text, $16::bigint, $17::boolean)

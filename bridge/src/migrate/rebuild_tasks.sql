-- Sets what is derived from the texts of a chunk of tasks.
-- $1 id of the last row of the chunk before, $2 number of rows of a chunk.
-- Columns: id of the last row of the chunk, or null if there is none; number of rows that are locked.
select last_id::text, skipped from rebuild_tasks($1::text::uuid, $2)

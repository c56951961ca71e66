-- Counts the statements that wait for a lock of the tasks.
-- Result: the number (bigint)
select count(*) from pg_locks where relation = 'tasks'::regclass and not granted

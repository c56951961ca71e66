-- The rows of insert_expired.sql that are left.
-- Columns: table, name of the row
select 'idempotency_keys', key from idempotency_keys
union all select 'jobs', kind from jobs
union all select 'refresh_tokens', convert_from(hash, 'UTF8') from refresh_tokens
union all select 'tasks', title from tasks
order by 1, 2

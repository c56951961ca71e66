-- The rows of insert_expired.sql that are left.
-- Columns: table, name of the row
select 'idempotency_keys', key from idempotency_keys
union all select 'jobs', kind from jobs
union all select 'refresh_tokens', convert_from(hash, 'UTF8') from refresh_tokens
union all select 'tasks', title from tasks
union all select 'deliveries', error from deliveries
union all select 'notifications', title from notifications
union all select 'live_tickets', convert_from(hash, 'UTF8') from live_tickets
union all select 'reminders', t.title from reminders r left join tasks t on t.id = r.task_id
order by 1, 2

-- Counts the series of a user, their tasks, and the tasks of them that are open.
-- $1 id of the user
-- Columns: the three numbers (bigint)
select count(distinct series_id), count(*), count(*) filter (where status = 'open')
from tasks
where user_id = $1 and series_id is not null and deleted_at is null

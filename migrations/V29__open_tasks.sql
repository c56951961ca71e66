-- Lists of what few of a user's many tasks are: the open ones of somebody who has done thousands, those of one series, those due in
-- some days. The first two get an index; for the last there is one, and Postgres now knows how dues are spread, so it takes it.
create index tasks_open on tasks (user_id, created_at, id) where deleted_at is null and status in ('open', 'in_progress');
create index tasks_series on tasks (user_id, series_id, created_at, id) where deleted_at is null and series_id is not null;
create statistics tasks_due_spread on (coalesce(due_at, 'infinity')) from tasks;

-- The tasks of series, also those that are deleted.
-- $1 ids of the series
-- Columns: series id, task id, occurrence key, its number, whether it is open and not deleted
select series_id, id, occurrence, occurrence_number, status = 'open' and deleted_at is null
from tasks
where series_id = any ($1)

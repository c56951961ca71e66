-- What one agent has made of the series that began on a day.
-- $1 the day, as text
-- Returns the number of occurrences, and the seconds from the first to the last one.
select count(*), coalesce(extract(epoch from max(created_at) - min(created_at))::float8, 0)
from tasks
where occurrence_number = 2 and recurrence #>> '{start,date}' = $1

-- Makes an occurrence that exists, as an agent does for the newest occurrence of its series.
-- $1 the occurrence
-- Columns: the outcome
select made.result
from tasks t join series s on s.id = t.series_id,
lateral create_occurrence(s.user_id, s.id, s.current_id, s.recurrence, t.id, t.occurrence, t.occurrence_number, t.due, t.due_at, null, '', '{}') made
where t.id = $1::text::uuid

-- Whether the agent has something to do for a series, now or within the minute for which a claim lasts.
-- $1 id of the series
-- Columns: the answer (boolean)
select coalesce(next_at <= clock_timestamp() + interval '1 minute', false) from series where id = $1

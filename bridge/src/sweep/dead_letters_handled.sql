-- Removes notes on handled dead letters. After 60 days the dead letters themselves, kept for 30 days, are gone from the
-- log.
delete from dead_letters_handled
where handled_at < clock_timestamp() - interval '60 days'

-- Removes the oldest records of every topic, settled or not.
-- $1 smallest offset that stays.
delete from log_records
where "offset" < $1

-- A bucket that is full again is as good as none.
delete from rate_limits
where full_at < extract(epoch from clock_timestamp())

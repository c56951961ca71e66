-- Removes the token buckets that are full again: a missing bucket counts as a full one.
delete from rate_limits
where full_at < extract(epoch from clock_timestamp())

-- Restores the whole quota of every rate limit.
delete from rate_limits

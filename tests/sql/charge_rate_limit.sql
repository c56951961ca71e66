-- Charges a rate limit now, as another request would, and keeps its row locked.
--
-- $1  key of the rate limit
update rate_limits set full_at = extract(epoch from clock_timestamp()) where key = $1

-- Removes a bridge that stops, and the bridges that have not been seen for an hour.
-- $1 bridge id, $2 class of leases.
delete from bridges
where (bridge = $1 and class = $2) or seen_at < clock_timestamp() - interval '1 hour'

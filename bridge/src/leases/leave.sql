delete from bridges
where (bridge = $1 and class = $2) or seen_at < clock_timestamp() - interval '1 hour'

-- Reads outbox rows of the given shards, oldest first. It takes no row locks: the leases of the shards protect the
-- rows.
-- $1 shards, $2 topics whose rows are read, $3 users whose rows are not read, $4 smallest id, $5 maximum number of rows,
-- $6 bytes of events after which no more rows are read.
-- Result: id, topic, user id, event id, event (CloudEvents JSON as text).
select id, topic, user_id, event_id, event
from (
    select *, sum(octet_length(event)) over (order by id rows unbounded preceding) - octet_length(event) as bytes_before
    from (
        select id, topic, user_id, event_id, event
        from outbox
        where id >= $4 and shard_of(user_id) = any ($1) and topic = any ($2) and user_id <> all ($3)
        order by id
        limit $5
    ) claimed
) measured
where bytes_before < $6
order by id

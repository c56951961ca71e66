-- As `log_drain_from`, without a hint and for all topics. Only bridges of the previous release call it.
-- Moves up to `most` outbox rows of the given shards into the log, in order of id; returns how many.
-- One statement deletes and inserts, so each row is either in the outbox or in the log, and its event never leaves
-- Postgres.
create or replace function log_drain(shards smallint[], most int) returns int
language plpgsql as $$
declare
    moved int;
begin
    -- One writer at a time: two bridges whose shards share partitions could otherwise lock log_heads rows in opposite
    -- orders and deadlock.
    perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('log_drain'));

    with claimed as (
        delete from outbox
        where id = any (array(
            select o.id
            from outbox o
            where shard_of(o.user_id) = any (shards) and o.topic in (select t.topic from log_topics t)
            order by o.id
            limit most
            for update skip locked))
        returning id, topic, user_id, event_id, event
    ), parted as (
        select c.*, shard_of(c.user_id) % t.partitions as partition
        from claimed c
        join log_topics t using (topic)
    ), placed as (
        select p.*, row_number() over (partition by p.topic, p.partition order by p.id) as place
        from parted p
    ), heads as (
        update log_heads h
        set head = h.head + p.records
        from (select topic, partition, count(*) as records from placed group by topic, partition) p
        where h.topic = p.topic and h.partition = p.partition
        returning h.topic, h.partition, h.head - p.records as base
    )
    insert into log_records (topic, partition, "offset", user_id, event_id, event)
    select p.topic, p.partition, h.base + p.place - 1, p.user_id, p.event_id, p.event
    from placed p
    join heads h on h.topic = p.topic and h.partition = p.partition;

    get diagnostics moved = row_count;
    return moved;
end
$$;

revoke execute on function log_drain(smallint[], int) from public;
grant execute on function log_drain(smallint[], int) to spindle_bridge;

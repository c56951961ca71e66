-- Moves outbox rows of the given shards and topics whose id is at least `first_id` into the log, in order of id: up to `most`
-- rows, and no more once they have `most_bytes` bytes of events, so that a batch of large events ends in time.
-- Returns how many it moved, the largest id among them, and whether it ended at a limit.
-- One statement deletes and inserts, so each row is either in the outbox or in the log, and its event never leaves
-- Postgres.
create or replace function log_drain_batch(
    shards smallint[], topics text[], first_id bigint, most int, most_bytes bigint,
    out moved int, out last_id bigint, out cut_off boolean)
language plpgsql as $$
declare
    known text[];
    taken int;
begin
    -- Most looks find nothing, and should cost little.
    if not exists (
        select from outbox o
        where o.id >= first_id and shard_of(o.user_id) = any (shards) and o.topic = any (topics)
    ) then
        moved := 0;
        cut_off := false;
        return;
    end if;
    known := array(select t.topic from log_topics t where t.topic = any (topics));
    -- One writer at a time: two bridges whose shards share partitions could otherwise lock log_heads rows in opposite
    -- orders and deadlock.
    perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('log_drain'));

    with candidates as (
        select o.id, octet_length(o.event) as bytes
        from outbox o
        where o.id >= first_id and shard_of(o.user_id) = any (shards) and o.topic = any (known)
        order by o.id
        limit most
        for update skip locked
    ), measured as (
        select c.id, sum(c.bytes) over (order by c.id rows unbounded preceding) - c.bytes as bytes_before
        from candidates c
    ), claimed as (
        delete from outbox
        where id = any (array(select m.id from measured m where m.bytes_before < most_bytes))
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
    ), appended as (
        insert into log_records (topic, partition, "offset", user_id, event_id, event)
        select p.topic, p.partition, h.base + p.place - 1, p.user_id, p.event_id, p.event
        from placed p
        join heads h on h.topic = p.topic and h.partition = p.partition
        returning 1
    )
    select (select count(*) from appended), (select max(c.id) from claimed c), (select count(*) from claimed),
        (select count(*) >= most or max(m.bytes_before) >= most_bytes from measured m)
    into moved, last_id, taken, cut_off;
    cut_off := coalesce(cut_off, false);

    -- A topic without a head for each of its partitions would lose the rows.
    if moved <> taken then
        raise exception 'the log has no head for a partition of % outbox rows', taken - moved;
    end if;
    -- The watchers of other bridges listen.
    notify spindle_log;
end
$$;

revoke execute on function log_drain_batch(smallint[], text[], bigint, int, bigint) from public;
grant execute on function log_drain_batch(smallint[], text[], bigint, int, bigint) to spindle_bridge;

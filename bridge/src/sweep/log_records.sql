-- Removes records of the Postgres log that are past their topic's retention and that every group has settled. A group that
-- no bridge reads for any more does not count: it is none of $2 and has committed nothing for 7 days.
-- $1 maximum number of rows, $2 groups that this bridge reads for.
with heads as (
    select h.topic, h.partition,
        (
            select min(o."offset")
            from log_offsets o
            where o.topic = h.topic and o.partition = h.partition
                and (o.group_name = any ($2::text[]) or o.settled_at > clock_timestamp() - interval '7 days')
        ) as settled,
        clock_timestamp() - t.retention as before
    from log_heads h
    join log_topics t using (topic)
)
delete from log_records
where ctid = any (array(
    select old.ctid
    from heads
    cross join lateral (
        select l.ctid
        from (
            select r.ctid, r.appended_at
            from log_records r
            where r.topic = heads.topic and r.partition = heads.partition
                and (heads.settled is null or r."offset" < heads.settled)
            order by r."offset"
            limit $1
        ) l
        where l.appended_at < heads.before
    ) old
    limit $1))

-- Measures the outbox and the quarantine.
-- $1 names of the topics that this bridge knows.
-- Result: number of rows; age in seconds of the oldest row for a known topic, 0 if there is none; number of rows for unknown
-- topics; number of rows in quarantine. Only the first 100000 rows are looked at, so that a long outbox does not make this
-- slow.
with looked_at as (
    select topic, queued_at
    from outbox
    order by id
    limit 100000
)
select
    (select count(*) from looked_at) as rows,
    coalesce(extract(epoch from clock_timestamp() - (select queued_at from looked_at where topic = any ($1) limit 1)), 0)::float8
        as age,
    (select count(*) from looked_at where topic <> all ($1)) as unknown,
    (select count(*) from outbox_quarantine) as quarantined

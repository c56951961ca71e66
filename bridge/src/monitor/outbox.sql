-- Measures the outbox.
-- Result: number of rows, counted up to 100000 so that a long outbox does not make this slow; age of the oldest row in
-- seconds,
-- 0 if there is none.
select
    (select count(*) from (select 1 from outbox limit 100000) counted) as rows,
    coalesce(extract(epoch from clock_timestamp() - (select queued_at from outbox order by id limit 1)), 0)::float8 as age

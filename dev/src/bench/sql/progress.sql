-- How many entries are on the trail, by the heads of its chains, since counting them all would be work of its own; and what waits.
select (select coalesce(sum(no), 0)::bigint from audit_chains), (select count(*) from outbox)

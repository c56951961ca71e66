-- Returns the number of audit entries and the number of rows in the outbox. The entries are counted by the heads of the hash chains,
-- because counting all rows would slow down what is measured.
select (select coalesce(sum(no), 0)::bigint from audit_chains), (select count(*) from outbox)

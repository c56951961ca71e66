-- Deletes outbox rows whose events Kafka has acknowledged.
-- $1 ids of the rows.
delete from outbox
where id = any ($1)

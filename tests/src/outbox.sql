-- What has not reached the log.
select count(*), min(event) from outbox

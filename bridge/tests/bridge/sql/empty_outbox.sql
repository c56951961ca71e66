-- Removes every row of the outbox.
delete from outbox

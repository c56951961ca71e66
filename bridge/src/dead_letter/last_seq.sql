-- Reads the sequence number of a user's newest event.
-- $1 user id.
-- Result: the sequence number; 0 where the user does not exist (any more).
select coalesce((select sync_seq from users where id = $1), 0)

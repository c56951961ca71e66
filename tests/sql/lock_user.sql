-- Locks a user's row until the transaction ends.
--
-- $1  the user's id
select from users where id = $1 for update

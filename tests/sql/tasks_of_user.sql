-- Counts the rows of a user's tasks, tombstones included.
-- $1 user id
-- Result: the number (bigint)
select count(*) from tasks where user_id = $1

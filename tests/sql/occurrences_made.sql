-- Counts the occurrences of users that were made after another one.
-- $1 ids of the users
-- Columns: their number (bigint)
select count(*) from tasks where user_id = any ($1) and occurrence_number > 1 and deleted_at is null

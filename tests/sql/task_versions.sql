-- Tasks of these users, tombstones included.
-- $1 user ids
-- Result: task id, version
select id, version::bigint from tasks where user_id = any($1)

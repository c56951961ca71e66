-- These people's tasks, tombstones included.
select id, version::bigint from tasks where user_id = any($1)

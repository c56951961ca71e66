-- Inserts a job that has ended.
-- $1 id of its user
-- Result: id of the job
insert into jobs (id, user_id, kind, state, total, handled, ended) values (uuid_v7(), $1, 'rename_tag', '{}', 3, 3, true)
returning id

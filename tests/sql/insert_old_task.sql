-- Inserts a task of a user that was created a day ago, with the tag `old`, as if a clock had been set back.
-- $1 id of the user
with owner as (
    update users set sync_seq = sync_seq + 1 where id = $1 returning id, sync_seq as seq
)
insert into tasks (id, user_id, title, tags, seq, created_at, updated_at)
select uuid_v7(), id, 'Before all others', '{old}', seq, now() - interval '1 day', now() from owner

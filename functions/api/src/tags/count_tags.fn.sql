-- Changes `tag_counts` when a task that is counted there changes its tags, is deleted or restored (trigger `tags_of_changed`), and when a
-- new task is older than the newest one that is counted, because a clock was set back (trigger `tags_of_new`). Other new tasks
-- are counted by `count_more_tags`, so creating a task does not pay for that.
--
-- Every write locks the user's row, so the counts of a user change one after the other.
create or replace function count_tags() returns trigger
language plpgsql as $$
declare
    old_tags text[] := '{}';
    new_tags text[] := '{}';
begin
    if new.created_at > (select tags_counted_until from users where id = new.user_id) then
        return null;
    end if;
    if tg_op = 'UPDATE' and old.deleted_at is null then
        old_tags := old.tags;
    end if;
    if new.deleted_at is null then
        new_tags := new.tags;
    end if;
    update tag_counts set count = count - 1
        where user_id = new.user_id and tag = any (old_tags) and tag <> all (new_tags);
    delete from tag_counts where user_id = new.user_id and tag = any (old_tags) and count = 0;
    insert into tag_counts as counts
        select new.user_id, tag, tag_key(tag), 1, new.created_at from unnest(new_tags) as tag where tag <> all (old_tags)
        on conflict (user_id, tag) do update
            set count = counts.count + 1, first_at = least(counts.first_at, excluded.first_at);
    return null;
end
$$;

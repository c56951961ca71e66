-- Counts the tags of a user's tasks that are not in `tag_counts` yet, the oldest first, if they are more than a list of tags should
-- read. Does nothing while a write holds the user's row.
--
-- p_user  the user
create or replace function count_more_tags(p_user uuid) returns void
language plpgsql volatile as $$
declare
    -- A list of tags reads so many tasks in some milliseconds.
    most_left constant bigint := 1000;
    -- Writes of the user wait while these are counted, some tenths of a second.
    most_counted constant bigint := 50000;
    known timestamptz;
    last timestamptz;
begin
    select tags_counted_until into known from users where id = p_user;
    perform from tasks where user_id = p_user and deleted_at is null and created_at > known offset most_left limit 1;
    if not found then
        return;
    end if;
    select tags_counted_until into known from users where id = p_user for no key update skip locked;
    if not found then
        return;
    end if;
    select max(created_at) into last from (
        select created_at from tasks where user_id = p_user and deleted_at is null and created_at > known
        order by created_at limit most_counted) uncounted;
    insert into tag_counts as counts
        select p_user, tag, tag_key(tag), count(*), min(created_at)
        from tasks cross join unnest(tags) as tag
        where user_id = p_user and deleted_at is null and created_at > known and created_at <= last
        group by tag
        on conflict (user_id, tag) do update
            set count = counts.count + excluded.count, first_at = least(counts.first_at, excluded.first_at);
    update users set tags_counted_until = last where id = p_user and last is not null;
end
$$;

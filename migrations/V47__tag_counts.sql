-- The number of live tasks that have a tag. Counting the tasks themselves takes two seconds for a million.
--
-- The counts of a user are those of the tasks that were created until `tags_counted_until`. A list of tags counts the newer ones itself,
-- and adds them to the table if they are many, so nothing has to be counted before the new programs run. Triggers change
-- the counts when a task that is counted changes, also for the API of the release before.
create table tag_counts (
    user_id uuid not null,
    -- A spelling of the tag. Tags with equal keys are the same tag, see `tag_key`.
    tag text collate "C" not null,
    key text collate "C" not null,
    count bigint not null,
    -- When the first task with this spelling was created.
    first_at timestamptz not null,
    primary key (user_id, tag)
) with (fillfactor = 50);

grant select, insert, update, delete on tag_counts to spindle_api;
grant select on tag_counts to spindle_readonly;

alter table users add column tags_counted_until timestamptz not null default '-infinity';

-- functions/api/src/tags/count_tags.fn.sql replaces it.
create function count_tags() returns trigger
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

create trigger tags_of_new after insert on tasks
    for each row when (new.tags <> '{}' and new.deleted_at is null)
    execute function count_tags();
create trigger tags_of_changed after update of tags, deleted_at on tasks
    for each row when ((old.tags <> '{}' or new.tags <> '{}')
        and (old.tags is distinct from new.tags or (old.deleted_at is null) <> (new.deleted_at is null)))
    execute function count_tags();

-- Sets `tasks.tag_keys` before a task with tags is inserted, or before its tags change (triggers `tag_keys_of_new` and
-- `tag_keys_of_changed`).
create or replace function set_tag_keys() returns trigger
language plpgsql as $$
begin
    new.tag_keys := tag_keys(new.tags);
    return new;
end
$$;

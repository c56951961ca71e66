-- The keys of the tags that tasks had before V41, and the index that finds them. Tasks without tags are not in it.
update tasks set tag_keys = tag_keys(tags) where tags <> '{}' and tag_keys = '{}';
create index if not exists tasks_tags on tasks using gin (user_id, tag_keys) with (gin_pending_list_limit = 256)
    where deleted_at is null and tag_keys <> '{}';

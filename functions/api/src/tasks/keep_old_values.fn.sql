-- Keeps tags and description of a task that change, for clients that have changed them offline. The caller holds the user's row lock.
--
-- old, task  the task before and after the change
create or replace function keep_old_values(old tasks, task tasks) returns void
language plpgsql volatile as $$
begin
    if old.tags <> task.tags or old.description <> task.description then
        insert into old_values (task_id, version, user_id, tags, description)
            values (old.id, old.version, old.user_id, case when old.tags <> task.tags then old.tags end,
                case when old.description <> task.description then old.description end);
    end if;
end
$$;

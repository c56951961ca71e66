-- The versions in which the fields of a task last changed, after a change of the task.
--
-- old, task  the task before and after the change; `task` has its new version
create or replace function field_versions(old tasks, task tasks) returns bigint[]
language plpgsql stable parallel safe as $$
declare
    versions bigint[] := coalesce(old.field_versions, array[0, 0, 0, 0, 0, 0, 0, 0]);
    changed constant boolean[] := array[
        task.title <> old.title, task.description <> old.description, task.status <> old.status, task.priority <> old.priority,
        task.tags <> old.tags, task.due::text is distinct from old.due::text,
        task.recurrence::text is distinct from old.recurrence::text, task.reminders::text is distinct from old.reminders::text];
begin
    for field in 1 .. 8 loop
        if changed[field] then
            versions[field] := task.version;
        end if;
    end loop;
    return versions;
end
$$;

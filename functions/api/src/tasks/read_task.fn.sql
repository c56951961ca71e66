-- Reads one task of a user. Of a deleted task, it returns only when it was deleted.
--
-- p_user  the user
-- p_id    the task
-- p_rate  see `admit`
--
-- Returns version and JSON of the task, or the time of its deletion (RFC 3339); nulls if there is no such task or the request is
-- not admitted. `rate` is that of `admit`.
create or replace procedure read_task(
    p_user text, p_id text, p_rate text[], out version bigint, out body text, out deleted_at text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
    task tasks;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select * into task from tasks where id = p_id::uuid and user_id = p_user::uuid;
    if task.deleted_at is not null then
        deleted_at := rfc3339(task.deleted_at);
    elsif found then
        version := task.version;
        body := task_json(task);
    end if;
end
$$;

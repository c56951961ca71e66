-- Reads one live task of a user.
--
-- p_user  the user
-- p_id    the task
-- p_rate  see `admit`
--
-- Returns version and JSON of the task; nulls if there is no such task or the request is not admitted. `rate` is that of `admit`.
create or replace procedure get_task(
    p_user text, p_id text, p_rate text[], out version bigint, out body text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
    task tasks;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select * into task from tasks where id = p_id::uuid and user_id = p_user::uuid and deleted_at is null;
    if found then
        version := task.version;
        body := task_json(task);
    end if;
end
$$;

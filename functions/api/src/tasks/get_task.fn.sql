-- Reads one live task of a user. It is a function because the plans of a function stay cached in the session.
--
-- p_user  the user
-- p_id    the task
-- p_rate  rate limit to charge, see `take_rate`
--
-- Returns version and JSON of the task; nulls if there is no such task or the rate limit is exceeded. `rate` is what
-- `take_rate` returned.
create or replace function get_task(p_user uuid, p_id uuid, p_rate text[], out version bigint, out body text, out rate text)
language plpgsql volatile as $$
declare
    task tasks;
begin
    rate := take_rate(p_rate);
    if rate like 'wait%' then
        return;
    end if;
    select * into task from tasks where id = p_id and user_id = p_user and deleted_at is null;
    if found then
        version := task.version;
        body := task_json(task);
    end if;
end
$$;

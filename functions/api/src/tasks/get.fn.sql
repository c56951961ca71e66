-- A task that its owner asks for. A function because its plan then stays in the session.
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

-- Reads due date and recurrence of one live task of a user.
--
-- p_user  the user
-- p_id    the task
-- p_rate  see `admit`
--
-- Returns version, due date, recurrence and number in its series of the task; nulls if there is no such task or the request is not
-- admitted. `rate` is that of `admit`.
create or replace procedure read_schedule(
    p_user text, p_id text, p_rate text[],
    out version bigint, out due text, out recurrence text, out number bigint, out rate text)
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
    version := task.version;
    due := task.due::text;
    recurrence := task.recurrence::text;
    number := task.occurrence_number;
end
$$;

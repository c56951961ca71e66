-- Schedules the reminders of a task anew for `move_days_step`.
--
-- task    the task
-- p_last  the last number of the user's sequence that the step has taken
-- job     the job; its `state` has the context and the actor of the events
--
-- Returns the last number that is taken now.
create or replace function move_reminders(task tasks, p_last bigint, job jobs) returns bigint
language plpgsql volatile as $$
begin
    if task.reminders is null then
        return p_last;
    end if;
    update users set sync_seq = p_last where id = job.user_id;
    perform schedule_reminders(task, job.state ->> 'context', job.state ->> 'actor');
    return sync_seq from users where id = job.user_id;
end
$$;

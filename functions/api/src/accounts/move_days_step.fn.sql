-- One step of the job that moves `due_at` of a user's tasks whose due date is a day, after the user's timezone has changed. Series of
-- days get the timezone, too, because it says on which day a task is completed. If it
-- changes again, all steps that follow use the newest timezone, so the tasks agree with it in the end.
--
-- job     the job; its `state` has the context and the actor of the events, and where the next step begins
-- p_most  how many tasks whose due date is a day the step looks at, see `job_step`
--
-- Returns the job after the step.
create or replace function move_days_step(job jobs, p_most bigint) returns jobs
language plpgsql volatile as $$
declare
    moment constant timestamptz := clock_timestamp();
    account users;
    task tasks;
    old_due_at timestamptz;
    old_recurrence text;
    seen bigint := 0;
    is_over boolean := false;
begin
    select * into account from users where id = job.user_id for no key update;
    if not found then
        job.ended := true;
        return job;
    end if;
    if job.state ->> 'id' is null then
        update series set recurrence = zoned_recurrence(recurrence, account.timezone), seq = account.sync_seq + 1
            where user_id = job.user_id and ended_at is null and recurrence #>> '{start,date}' is not null
                and recurrence ->> 'timezone' <> account.timezone;
        if found then
            account.sync_seq := account.sync_seq + 1;
            perform emit_user_changed(job.user_id, account.sync_seq, null, job.state ->> 'context', job.state ->> 'actor');
        end if;
    end if;
    for task in
        select * from tasks t
        where t.user_id = job.user_id and t.deleted_at is null and t.created_at <= job.created_at
            and t.due_at is not null and t.due ->> 'date' is not null
            and (t.created_at, t.id) > (
                coalesce((job.state ->> 'created_at')::timestamptz, '-infinity'),
                coalesce((job.state ->> 'id')::uuid, '00000000-0000-0000-0000-000000000000'))
        order by t.created_at, t.id
        limit p_most
    loop
        seen := seen + 1;
        job.state := job.state || jsonb_build_object('created_at', task.created_at, 'id', task.id);
        old_due_at := task.due_at;
        task.due_at := due_at(task.due, null, account.timezone);
        old_recurrence := task.recurrence::text;
        if task.recurrence #>> '{start,date}' is not null and task.status in ('open', 'in_progress') then
            task.recurrence := zoned_recurrence(task.recurrence, account.timezone);
        end if;
        if task.due_at = old_due_at and task.recurrence::text is not distinct from old_recurrence then
            account.sync_seq := move_reminders(task, account.sync_seq, job);
            continue;
        end if;
        account.sync_seq := account.sync_seq + 1;
        task.seq := account.sync_seq;
        task.version := task.version + 1;
        task.updated_at := moment;
        update tasks t set
            version = task.version, seq = task.seq, updated_at = moment, due_at = task.due_at,
            recurrence = task.recurrence where t.id = task.id;
        update series set current_version = task.version
            where id = task.series_id and current_id = task.id and current_version = task.version - 1;
        perform emit_task_events(job.user_id, task.id, 'task.updated', task.seq, moment,
            job.state ->> 'context', job.state ->> 'actor', task_json(task),
            '{"due_at":"' || rfc3339(old_due_at) || '"'
                || case when task.recurrence::text is distinct from old_recurrence then ',"recurrence":' || old_recurrence
                    else '' end || '}');
        account.sync_seq := move_reminders(task, account.sync_seq, job);
        is_over := is_step_over(job, moment);
        exit when is_over;
    end loop;
    update users set sync_seq = account.sync_seq where id = job.user_id;
    job.handled := job.handled + seen;
    job.ended := seen < p_most and not is_over;
    return job;
end
$$;

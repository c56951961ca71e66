-- Pauses or resumes a series. A series that is paused gets no further occurrences. After it is resumed, those of the pause are left
-- out. The open occurrence stays.
--
-- p_user     the user
-- p_id       the series
-- p_pause    whether to pause it, otherwise it is resumed
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
-- p_key, p_fingerprint, p_rate   see `admit_write`
--
-- The OUT parameters are the columns of `write_result`. Outcomes: changed · unchanged · missing · ended · limited · gone · key_reused.
-- After a series was resumed whose newest occurrence is completed or skipped, `id` is the state of the series, see `series_state`, so
-- that the next occurrence can be made at once.
create or replace procedure pause_series(
    p_user text, p_id text, p_pause boolean, p_context text, p_actor text, p_key text, p_fingerprint text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    moment constant timestamptz := clock_timestamp();
    current series;
    task tasks;
    old_recurrence text;
begin
    call admit_write(owner, p_rate, p_key, p_fingerprint, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into current from series where series.id = p_id::uuid and user_id = owner;
    if not found then
        outcome := 'missing';
    elsif current.ended_at is not null then
        outcome := 'ended';
    else
        select * into task from tasks where tasks.id = current.current_id;
        if (current.recurrence ->> 'paused_at' is not null) = p_pause then
            outcome := 'unchanged';
        else
            outcome := 'changed';
            current.recurrence := paused_recurrence(current.recurrence, p_pause, moment);
            current.updated_at := moment;
            current.next_at := case when not p_pause
                and (current.recurrence ->> 'create' = 'on_schedule' or task.status in ('completed', 'cancelled'))
                then moment end;
            update series set recurrence = current.recurrence, updated_at = moment, next_at = current.next_at
                where series.id = current.id;
            perform series_changed(current.id, p_context, p_actor);
            if task.deleted_at is null and task.status in ('open', 'in_progress') and task.series_id = current.id
                and task.recurrence is not null then
                old_recurrence := task.recurrence::text;
                -- An occurrence that was restored can have an older rule than the series, and keeps it.
                task.recurrence := paused_recurrence(task.recurrence, p_pause, moment);
                task.version := task.version + 1;
                task.updated_at := moment;
                update users set sync_seq = sync_seq + 1 where users.id = owner returning sync_seq into task.seq;
                update tasks set recurrence = task.recurrence, version = task.version, seq = task.seq, updated_at = moment
                    where tasks.id = task.id;
                update series set current_version = task.version
                    where series.id = current.id and current_version = task.version - 1;
                perform emit_task_events(owner, task.id, 'task.updated', task.seq, moment, p_context, p_actor,
                    task_json(task), '{"recurrence":' || old_recurrence || '}');
            end if;
        end if;
        body := series_json(current, task);
        if current.next_at is not null and current.recurrence ->> 'create' is distinct from 'on_schedule' then
            id := series_state(current, task);
        end if;
    end if;
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;

-- Applies an operation of a client that was offline to what belongs to a task: its series or one of its reminders. Whatever others have
-- changed of the task stays, so there is nothing to merge.
--
-- task         the task, which may be deleted
-- p_operation  {"op", "reminder_id", "until", "occurred_at"}, as JSON. `op` is pause, resume, snooze or ack. `until` is an instant, or a duration
--              from `occurred_at`
-- p_context    envelope members that come from the request, as JSON without its braces
-- p_actor      the actor of the events, as JSON
--
-- Outcomes: changed · unchanged; those of a refused operation: not_recurring · ended, see `pause_series`; missing · not_open, see
-- `answer_reminder`.
-- `next` is the state of a series whose next occurrence can be made at once, see `pause_series`; otherwise null.
create or replace function sync_series_or_reminder(
    task tasks, p_operation json, p_context text, p_actor text, out outcome text, out next text)
language plpgsql volatile as $$
declare
    moment constant timestamptz := clock_timestamp();
    until text := p_operation ->> 'until';
    done write_result;
begin
    if p_operation ->> 'op' in ('pause', 'resume') then
        if task.series_id is null then
            outcome := 'not_recurring';
            return;
        end if;
        call pause_series(task.user_id::text, task.series_id::text, p_operation ->> 'op' = 'pause', p_context, p_actor, null, null, null,
            done.outcome, done.version, next, done.body, done.replayed, done.rate);
    elsif not exists (select from reminders r where r.id = (p_operation ->> 'reminder_id')::uuid and r.task_id = task.id) then
        outcome := 'missing';
        return;
    else
        if until like 'P%' then
            until := rfc3339(least(coalesce((p_operation ->> 'occurred_at')::timestamptz, moment), moment) + until::interval);
        end if;
        call answer_reminder(task.user_id::text, p_operation ->> 'reminder_id', until, p_context, p_actor, null, null, null,
            done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
    end if;
    outcome := done.outcome;
end
$$;

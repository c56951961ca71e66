-- Snoozes or acknowledges a reminder.
--
-- p_user     the user
-- p_id       the reminder
-- p_until    snoozes it until then: an instant, or an ISO 8601 duration from now; null acknowledges it, so it does not repeat. If the
--            reminder has already fired for that instant, nothing changes: a device that was offline can send its snooze late
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
-- p_key, p_fingerprint, p_rate   see `admit_write`
--
-- The OUT parameters are the columns of `write_result`; `body` is the reminder. Outcomes: changed · unchanged · missing · not_open (the
-- task is completed, cancelled or deleted) · limited · gone · key_reused.
create or replace procedure answer_reminder(
    p_user text, p_id text, p_until text, p_context text, p_actor text, p_key text, p_fingerprint text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    moment constant timestamptz := clock_timestamp();
    reminder reminders;
    was_due boolean;
    task tasks;
    until timestamptz;
begin
    call admit_write(owner, p_rate, p_key, p_fingerprint, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into reminder from reminders r where r.id = p_id::uuid and r.user_id = owner;
    select * into task from tasks t where t.id = reminder.task_id;
    if p_until is not null then
        until := case when p_until like 'P%' then moment + p_until::interval else p_until::timestamptz end;
    end if;
    if task.id is null then
        outcome := 'missing';
    elsif p_until is not null and (task.deleted_at is not null or task.status not in ('open', 'in_progress')) then
        outcome := 'not_open';
    elsif p_until is null and reminder.state in ('acknowledged', 'cancelled')
        or exists (select from deliveries d where d.reminder_id = reminder.id and d.fire_at = until) then
        outcome := 'unchanged';
        body := reminder_json(reminder);
    else
        outcome := 'changed';
        was_due := reminder.fires_at is not null;
        reminder.fires_at := until;
        reminder.snoozed_until := until;
        reminder.state := case when until is null then 'acknowledged' else 'scheduled' end;
        reminder.seq := next_seq(owner);
        update reminders r set state = reminder.state, fires_at = until, snoozed_until = until, updated_at = moment, seq = reminder.seq
            where r.id = reminder.id;
        perform emit_user_changed(owner, reminder.seq, jsonb_build_object('reminders', json_build_array(reminder_item(reminder)::json)),
            p_context, p_actor);
        if until is not null or was_due then
            perform emit_reminder_event(reminder, case when until is null then 'reminder.cancelled' else 'reminder.snoozed' end,
                reminder.seq, moment, '{}', p_context, p_actor);
        end if;
        body := reminder_json(reminder);
    end if;
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;

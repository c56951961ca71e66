-- Schedules the reminders of a task after a change: those of an open task for their times, others not at all. A reminder whose time stays
-- the same is left alone, so one that has fired does not fire again. A time that has passed is not made up for. Reminders that the task
-- does not define any more are removed; the task says so to clients. What else has changed gets one number. The reminders of a deleted
-- task have the number 0, because clients drop them with the task. The caller holds the user's row lock.
--
-- task       the task after the change
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
create or replace function schedule_reminders(task tasks, p_context text, p_actor text) returns void
language plpgsql volatile as $$
declare
    moment constant timestamptz := clock_timestamp();
    definitions constant jsonb := coalesce(task.reminders, '[]');
    is_open constant boolean := task.deleted_at is null and task.status in ('open', 'in_progress');
    account users;
    begins time;
    reminder reminders;
    old reminders;
    is_defined boolean;
    number bigint;
    items json[] := '{}';
    planned timestamptz;
begin
    select * into account from users where id = task.user_id;
    begins := coalesce(account.preferences ->> 'time', '09:00');
    for reminder in select * from reminders where task_id = task.id order by id loop
        old := reminder;
        planned := fire_time(reminder.lead, reminder.at, task.due, task.due_at, account.timezone, begins);
        is_defined := definitions @> jsonb_build_array(jsonb_build_object('id', reminder.id));
        if not is_defined then
            reminder.fires_at := null;
            reminder.snoozed_until := null;
            reminder.state := 'cancelled';
            delete from reminders where id = reminder.id;
        elsif not is_open then
            reminder.fires_at := null;
            reminder.snoozed_until := null;
            reminder.state := case when reminder.state = 'acknowledged' then reminder.state else 'cancelled' end;
        elsif planned is distinct from reminder.planned_at or reminder.state = 'cancelled' then
            reminder.fires_at := case when planned > moment then planned end;
            reminder.snoozed_until := null;
            reminder.state := case
                when planned > moment then 'scheduled'
                when planned is distinct from reminder.planned_at then 'cancelled'
                else reminder.state end;
        end if;
        if task.deleted_at is not null then
            reminder.seq := 0;
        elsif is_defined and (old.seq = 0 or (reminder.state, reminder.fires_at, reminder.snoozed_until)
            is distinct from (old.state, old.fires_at, old.snoozed_until)) then
            number := coalesce(number, next_seq(task.user_id));
            reminder.seq := number;
        end if;
        reminder.planned_at := planned;
        update reminders set
            state = reminder.state, planned_at = planned, fires_at = reminder.fires_at, snoozed_until = reminder.snoozed_until,
            updated_at = moment, seq = reminder.seq
            where id = reminder.id;
        if reminder.seq = number then
            items := items || reminder_item(reminder)::json;
        end if;
        if reminder.fires_at is distinct from old.fires_at then
            perform emit_reminder_event(reminder,
                case when reminder.fires_at is null then 'reminder.cancelled' else 'reminder.scheduled' end,
                coalesce(number, task.seq), moment, '{}', p_context, p_actor);
        end if;
    end loop;
    if number is not null then
        perform emit_user_changed(task.user_id, number, jsonb_build_object('reminders', array_to_json(items)), p_context, p_actor);
    end if;
end
$$;

-- Schedules the reminders of a task after a change: those of an open task for their times, others not at all. A reminder whose time stays
-- the same is left alone, so one that has fired does not fire again. A time that has passed is not made up for. Reminders that the task
-- does not define any more are removed. The caller holds the user's row lock.
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
    planned timestamptz;
    old_fires_at timestamptz;
begin
    select * into account from users where id = task.user_id;
    begins := coalesce(account.preferences ->> 'time', '09:00');
    for reminder in select * from reminders where task_id = task.id order by id loop
        old_fires_at := reminder.fires_at;
        planned := fire_time(reminder.lead, reminder.at, task.due, task.due_at, account.timezone, begins);
        if not definitions @> jsonb_build_array(jsonb_build_object('id', reminder.id)) then
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
        reminder.planned_at := planned;
        update reminders set
            state = reminder.state, planned_at = planned, fires_at = reminder.fires_at, snoozed_until = reminder.snoozed_until,
            updated_at = moment
            where id = reminder.id;
        if reminder.fires_at is distinct from old_fires_at then
            perform emit_reminder_event(reminder,
                case when reminder.fires_at is null then 'reminder.cancelled' else 'reminder.scheduled' end,
                task.seq, moment, '{}', p_context, p_actor);
        end if;
    end loop;
end
$$;

-- Fires one reminder for `fire_reminders`: the notification of the inbox, its row in `deliveries`, and the events.
--
-- reminder  the reminder, which is due
-- account   its owner, whose row is locked
-- moment    now
--
-- Quiet hours do not matter here: the inbox disturbs nobody.
create or replace function fire_reminder(reminder reminders, account users, moment timestamptz) returns void
language plpgsql volatile as $$
declare
    fired constant timestamptz := reminder.fires_at;
    is_late constant boolean := moment > fired + interval '1 minute';
    context constant text := '"correlationid":null,"causationid":null,"traceparent":null';
    actor constant text := '{"type":"agent","id":"reminder"}';
    task tasks;
begin
    select * into task from tasks where id = reminder.task_id;
    if task.id is null or task.deleted_at is not null or task.status not in ('open', 'in_progress') then
        update reminders set fires_at = null, state = 'cancelled', updated_at = moment where id = reminder.id;
        return;
    end if;
    reminder.state := 'fired';
    reminder.snoozed_until := null;
    -- A repetition that was missed is not made up for.
    reminder.fires_at := fired + reminder.every * greatest(1, ceil(extract(epoch from moment - fired) / extract(epoch from reminder.every)));
    update reminders set fires_at = reminder.fires_at, state = 'fired', snoozed_until = null, updated_at = moment
        where id = reminder.id;
    perform emit_reminder_event(reminder, 'reminder.due', account.sync_seq, moment,
        '{"fire_at":"' || rfc3339(fired) || '","late":' || is_late::text || '}', context, actor);
    insert into deliveries (
        id, reminder_id, user_id, task_id, fire_at, channel, status, attempts, is_late, created_at, updated_at)
        values (uuid_v7(), reminder.id, account.id, task.id, fired, 'in_app', 'sent', 1, is_late, moment, moment)
        on conflict do nothing;
    if found then
        insert into notifications (id, user_id, task_id, reminder_id, title, due, due_at, is_late, created_at)
            values (uuid_v7(), account.id, task.id, reminder.id, task.title, task.due, task.due_at, is_late, moment);
        perform emit_reminder_event(reminder, 'reminder.sent', account.sync_seq, moment,
            '{"fire_at":"' || rfc3339(fired) || '","channel":"in_app"}', context, actor);
    end if;
end
$$;

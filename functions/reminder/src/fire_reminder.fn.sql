-- Fires one reminder for `fire_reminders`: a delivery for each channel, the notification of the inbox, and the events.
--
-- reminder  the reminder, which is due
-- account   its owner, whose row is locked
-- moment    now
create or replace function fire_reminder(reminder reminders, account users, moment timestamptz) returns void
language plpgsql volatile as $$
declare
    is_late constant boolean := moment > reminder.fires_at + interval '1 minute';
    quiet_end constant timestamptz := quiet_until(account.preferences -> 'quiet', account.timezone, moment);
    drops constant boolean := quiet_end is not null and account.preferences #>> '{quiet,mode}' = 'drop';
    context constant text := '"correlationid":null,"causationid":null,"traceparent":null';
    actor constant text := '{"type":"agent","id":"reminder"}';
    task tasks;
    fired timestamptz;
    name text;
begin
    select * into task from tasks where id = reminder.task_id;
    fired := reminder.fires_at;
    if task.id is null or task.deleted_at is not null or task.status not in ('open', 'in_progress') then
        update reminders set fires_at = null, state = 'cancelled', updated_at = moment where id = reminder.id;
        return;
    end if;
    reminder.state := 'fired';
    reminder.snoozed_until := null;
    reminder.fires_at := fired + reminder.every * greatest(1, ceil(extract(epoch from moment - fired) / extract(epoch from reminder.every)));
    update reminders set fires_at = reminder.fires_at, state = 'fired', snoozed_until = null, updated_at = moment
        where id = reminder.id;
    perform emit_reminder_event(reminder, 'reminder.due', account.sync_seq, moment,
        '{"fire_at":"' || rfc3339(fired) || '","late":' || is_late::text || '}', context, actor);
    foreach name in array coalesce(
        reminder.channels,
        array(select json_array_elements_text(account.preferences -> 'channels')),
        array['in_app'])
    loop
        insert into deliveries (
            id, reminder_id, user_id, task_id, fire_at, channel, status, attempts, next_at, is_late, created_at, updated_at)
            values (uuid_v7(), reminder.id, account.id, task.id, fired, name,
                case when name = 'in_app' then 'sent' when drops then 'dropped' else 'pending' end,
                case when name = 'in_app' then 1 else 0 end,
                case when name <> 'in_app' and not drops then coalesce(quiet_end, moment) end,
                is_late, moment, moment)
            on conflict do nothing;
        if name = 'in_app' and found then
            insert into notifications (id, user_id, task_id, reminder_id, title, due, due_at, is_late, created_at)
                values (uuid_v7(), account.id, task.id, reminder.id, task.title, task.due, task.due_at, is_late, moment);
            perform emit_reminder_event(reminder, 'reminder.sent', account.sync_seq, moment,
                '{"fire_at":"' || rfc3339(fired) || '","channel":"in_app"}', context, actor);
        end if;
    end loop;
end
$$;

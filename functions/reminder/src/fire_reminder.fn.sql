-- Fires one reminder for `fire_reminders`: a delivery for each of its channels, the notification of the inbox, and the events.
--
-- reminder  the reminder, which is due
-- account   its owner, whose row is locked. `sync_seq` is the number of this change
-- moment    now
--
-- Quiet hours concern email and push: the inbox disturbs nobody. What they defer goes into one message when they end.
create or replace function fire_reminder(reminder reminders, account users, moment timestamptz) returns void
language plpgsql volatile as $$
declare
    fired constant timestamptz := reminder.fires_at;
    is_late constant boolean := moment > fired + interval '1 minute';
    quiet constant json := account.preferences -> 'quiet';
    muted constant jsonb := coalesce((account.preferences -> 'muted')::jsonb, '[]');
    context constant text := '"correlationid":null,"causationid":null,"traceparent":null';
    actor constant text := '{"type":"agent","id":"reminder"}';
    quiet_end timestamptz;
    task tasks;
    name text;
    delivery deliveries;
    notification notifications;
    items json[] := '{}';
begin
    select * into task from tasks where id = reminder.task_id;
    if task.id is null or task.deleted_at is not null or task.status not in ('open', 'in_progress') then
        update reminders set fires_at = null, state = 'cancelled', updated_at = moment, seq = account.sync_seq where id = reminder.id
            returning * into reminder;
        perform emit_user_changed(account.id, account.sync_seq,
            jsonb_build_object('reminders', json_build_array(reminder_item(reminder)::json)), context, actor);
        return;
    end if;
    reminder.state := 'fired';
    reminder.snoozed_until := null;
    -- A repetition that was missed is not made up for.
    reminder.fires_at := fired + reminder.every * greatest(1, ceil(extract(epoch from moment - fired) / extract(epoch from reminder.every)));
    reminder.seq := account.sync_seq;
    update reminders set fires_at = reminder.fires_at, state = 'fired', snoozed_until = null, updated_at = moment, seq = reminder.seq
        where id = reminder.id;
    perform emit_reminder_event(reminder, 'reminder.due', account.sync_seq, moment,
        '{"fire_at":"' || rfc3339(fired) || '","late":' || is_late::text || '}', context, actor);
    if quiet is not null then
        quiet_end := quiet_until(quiet, account.timezone, moment);
    end if;
    foreach name in array coalesce(
        reminder.channels,
        nullif(array(select json_array_elements_text(account.preferences -> 'channels')), '{}'),
        '{in_app}')
    loop
        delivery.id := uuid_v7();
        delivery.message_id := null;
        delivery.next_at := null;
        delivery.attempts := 0;
        if name = 'in_app' then
            delivery.status := 'sent';
            delivery.attempts := 1;
        elsif muted ? name or quiet_end is not null and quiet ->> 'mode' = 'drop' then
            delivery.status := 'dropped';
        else
            delivery.status := 'pending';
            delivery.next_at := coalesce(quiet_end, moment);
            delivery.message_id := case when quiet_end is null then delivery.id
                else md5(account.id::text || name || quiet_end::text)::uuid end;
        end if;
        insert into deliveries (
            id, reminder_id, user_id, task_id, fire_at, channel, status, attempts, is_late, created_at, updated_at,
            message_id, title, due, next_at)
            values (delivery.id, reminder.id, account.id, task.id, fired, name, delivery.status, delivery.attempts, is_late, moment,
                moment, delivery.message_id, task.title, task.due, delivery.next_at)
            on conflict do nothing;
        if found and name = 'in_app' then
            insert into notifications (id, user_id, task_id, reminder_id, title, due, due_at, is_late, created_at, seq)
                values (uuid_v7(), account.id, task.id, reminder.id, task.title, task.due, task.due_at, is_late, moment, account.sync_seq)
                returning * into notification;
            items := items || notification_item(notification)::json;
            perform emit_reminder_event(reminder, 'reminder.sent', account.sync_seq, moment,
                '{"fire_at":"' || rfc3339(fired) || '","channel":"in_app"}', context, actor);
        end if;
    end loop;
    perform emit_user_changed(account.id, account.sync_seq,
        jsonb_build_object('reminders', json_build_array(reminder_item(reminder)::json), 'notifications', array_to_json(items)),
        context, actor);
end
$$;

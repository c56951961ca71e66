-- Inserts an event of a reminder into the outbox. The caller holds the user's row lock.
--
-- reminder   the reminder after the change
-- p_type     type of the event
-- p_seq      sequence number of the user's latest write
-- p_at       time of the change
-- p_more     more members of `data`, as a JSON object
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor, as JSON
create or replace function emit_reminder_event(
    reminder reminders, p_type text, p_seq bigint, p_at timestamptz, p_more text, p_context text, p_actor text) returns void
language plpgsql volatile as $$
declare
    event_id constant uuid := uuid_v7();
begin
    insert into outbox (topic, user_id, event_id, event) values ('reminders', reminder.user_id, event_id,
        '{"specversion":"1.0","id":"' || event_id::text || '","source":"/spindle/api","type":"' || p_type
            || '","subject":"' || reminder.id::text || '","time":"' || rfc3339(p_at)
            || '","datacontenttype":"application/json","userid":"' || reminder.user_id::text
            || '","seq":' || p_seq::text || ',' || p_context
            || ',"data":{"reminder":' || reminder_json(reminder)
            || case when p_more = '{}' then '' else ',' || substr(p_more, 2, length(p_more) - 2) end
            || ',"actor":' || p_actor || '}}');
end
$$;

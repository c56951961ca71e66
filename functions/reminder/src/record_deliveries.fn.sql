-- Records what became of deliveries.
--
-- p_results  a JSON array of {"id", "outcome": "sent"|"retry"|"failed", "after_ms", "error", "gone"}. `after_ms` is the pause before the
--            next attempt. `gone` has the ids of push subscriptions that do not exist any more; they are removed
--
-- A result that comes twice, or after another one has settled the delivery, changes nothing.
create or replace function record_deliveries(p_results text) returns void
language plpgsql security definer
set search_path = public, pg_temp
as $$
declare
    moment constant timestamptz := now_for_reminders();
    result record;
    delivery deliveries;
    reminder reminders;
    seq bigint;
begin
    for result in
        select r.*, d.user_id
        from json_to_recordset(p_results::json) as r (id uuid, outcome text, after_ms bigint, error text, gone uuid[])
        join deliveries d on d.id = r.id
        order by d.user_id, r.id
    loop
        -- All writes to a user's rows begin with this lock.
        select sync_seq into seq from users where id = result.user_id for no key update;
        delete from push_subscriptions where user_id = result.user_id and id = any (result.gone);
        update deliveries set
            status = case result.outcome when 'retry' then 'pending' else result.outcome end,
            next_at = case when result.outcome = 'retry' then moment + result.after_ms * interval '1 millisecond' end,
            error = result.error, updated_at = moment
            where id = result.id and status = 'pending'
            returning * into delivery;
        continue when not found or result.outcome = 'retry' or seq is null;
        select * into reminder from reminders where id = delivery.reminder_id;
        continue when not found;
        perform emit_reminder_event(reminder,
            case result.outcome when 'sent' then 'reminder.sent' else 'reminder.failed' end, seq, moment,
            '{"fire_at":"' || rfc3339(delivery.fire_at) || '","channel":"' || delivery.channel
                || case when result.outcome = 'failed' then '","error":' || to_json(result.error)::text else '"' end || '}',
            '"correlationid":null,"causationid":null,"traceparent":null', '{"type":"agent","id":"reminder"}');
    end loop;
end
$$;
revoke execute on function record_deliveries(text) from public;
grant execute on function record_deliveries(text) to spindle_agent;

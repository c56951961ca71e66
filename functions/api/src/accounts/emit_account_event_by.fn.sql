-- Inserts an event about an account into the outbox. The caller holds the user's row lock.
--
-- The event takes no number of the user's sequence, it carries the current one: a client takes a gap for a change that it has missed.
--
-- account    the account after the change
-- p_type     event type
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_details  the member `details` of the event, as JSON
-- p_actor    the actor, as JSON
create or replace function emit_account_event_by(
    account users, p_type text, p_context text, p_details text, p_actor text) returns void
language plpgsql volatile as $$
declare
    event_id uuid := uuid_v7();
begin
    insert into outbox (topic, user_id, event_id, event) values ('account-events', account.id, event_id,
        '{"specversion":"1.0","id":"' || event_id::text
        || '","source":"/spindle/api","type":"' || p_type
        || '","subject":"' || account.id::text
        || '","time":"' || rfc3339(clock_timestamp())
        || '","datacontenttype":"application/json","userid":"' || account.id::text
        || '","seq":' || account.sync_seq::text || ',' || p_context
        || ',"data":{"user":' || user_json(account)
        || ',"details":' || p_details
        || ',"actor":' || p_actor || '}}');
end
$$;

-- Puts an event about an account into the outbox, caused by whom `p_actor` names. It takes no sequence number, it carries that
-- of the user's last write: clients take a gap for a change they have missed, and nobody's tasks change here. The caller holds
-- the user's row lock.
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

-- As above, caused by the user.
create or replace function emit_account_event(account users, p_type text, p_context text, p_details text) returns void
language plpgsql volatile as $$
begin
    perform emit_account_event_by(
        account, p_type, p_context, p_details, '{"type":"user","id":"' || account.id::text || '"}');
end
$$;

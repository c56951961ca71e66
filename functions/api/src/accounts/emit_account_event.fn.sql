-- Inserts an event about an account into the outbox, with the user as its actor. See `emit_account_event_by` for the
-- parameters.
create or replace function emit_account_event(account users, p_type text, p_context text, p_details text) returns void
language plpgsql volatile as $$
begin
    perform emit_account_event_by(
        account, p_type, p_context, p_details, '{"type":"user","id":"' || account.id::text || '"}');
end
$$;

-- An account as an item of a client's synchronisation: its JSON with the number of its last change.
create or replace function account_item(account users) returns text
language plpgsql stable parallel safe as $$
begin
    return left(user_json(account), -1) || ',"seq":' || account.account_seq::text || '}';
end
$$;

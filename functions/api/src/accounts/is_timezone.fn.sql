-- Whether Postgres knows the timezone `p_name`. Its list may differ from the API's. Every statement that uses an unknown
-- timezone fails, so such a name must not be stored.
create or replace function is_timezone(p_name text) returns boolean
language plpgsql stable as $$
begin
    perform clock_timestamp() at time zone p_name;
    return true;
exception when invalid_parameter_value then
    return false;
end
$$;

-- Whether Postgres knows a timezone. Its list and the API's may differ; a name that only the API knows would make every
-- later statement that uses it fail.
create or replace function is_timezone(p_name text) returns boolean
language plpgsql stable as $$
begin
    perform clock_timestamp() at time zone p_name;
    return true;
exception when invalid_parameter_value then
    return false;
end
$$;

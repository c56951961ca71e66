-- Checks whether an event can be recorded.
--
-- event  a CloudEvent as JSON text
--
-- Returns the reason why the event can never be recorded, or null if it can.
create or replace function audit_refusal(event text) returns text
language plpgsql stable
as $$
declare
    uuid_form constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
    doc    jsonb;
    detail text;
begin
    doc := event::jsonb;
    if jsonb_typeof(doc) <> 'object' then
        return 'the event is not an object';
    elsif doc ->> 'id' is null then
        return 'id is missing';
    elsif doc ->> 'id' !~ uuid_form then
        return 'id is not a UUID';
    elsif doc ->> 'userid' is null then
        return 'userid is missing';
    elsif doc ->> 'userid' !~ uuid_form then
        return 'userid is not a UUID';
    elsif coalesce(doc ->> 'type', '') = '' then
        return 'type is missing';
    elsif length(doc ->> 'type') > 200 then
        return 'type is longer than 200 characters';
    elsif doc ->> 'time' is null then
        return 'time is missing';
    elsif length(concat(doc #>> '{data,actor,type}', doc #>> '{data,actor,id}')) > 500 then
        return 'data.actor is longer than 500 characters';
    elsif length(doc ->> 'correlationid') > 500 then
        return 'correlationid is longer than 500 characters';
    elsif strpos(concat(doc ->> 'type', doc #>> '{data,actor,type}', doc #>> '{data,actor,id}', doc ->> 'correlationid'),
            e'\n') > 0 then
        return 'type, data.actor or correlationid contains a line feed';
    end if;
    perform audit_time(doc ->> 'time');
    -- The remaining faults are numbers, ids and texts that Postgres cannot store. `audit_read` finds them.
    if audit_read(json_build_array(event::json), null) is null then
        return 'the event cannot be parsed';
    end if;
    return null;
exception when data_exception or program_limit_exceeded then
    get stacked diagnostics detail = pg_exception_detail;
    return concat_ws(': ', sqlerrm, nullif(detail, ''));
end
$$;
revoke execute on function audit_refusal(text) from public;

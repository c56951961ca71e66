-- Parses an RFC 3339 time with any offset and any number of fractional digits.
--
-- value  the time as text
--
-- Returns the time, truncated (not rounded) to microseconds: Postgres rounds, which could move an event into the next day.
-- Raises an error of SQLSTATE class 22 if `value` is not RFC 3339.
create or replace function audit_time(value text) returns timestamptz
language plpgsql stable strict
as $$
begin
    if value !~ '^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$' then
        raise exception 'time is not RFC 3339' using errcode = 'invalid_datetime_format';
    end if;
    return regexp_replace(value, '(\.\d{6})\d+', '\1')::timestamptz;
end
$$;
revoke execute on function audit_time(text) from public;

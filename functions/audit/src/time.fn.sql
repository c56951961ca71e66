-- An RFC 3339 time of any offset and fineness, cut (not rounded) to microseconds; an error of class 22 for anything else.
create or replace function audit_time(given text) returns timestamptz
language plpgsql stable strict
as $$
begin
    if given !~ '^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$' then
        raise exception 'time is not RFC 3339' using errcode = 'invalid_datetime_format';
    end if;
    return regexp_replace(given, '(\.\d{6})\d+', '\1')::timestamptz;
end
$$;
revoke execute on function audit_time(text) from public;

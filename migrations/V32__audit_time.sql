-- Names the parameter of `audit_time` after what it is. `create or replace` cannot rename a parameter, so the function is
-- dropped and created again, in one transaction: `audit_append` of a running system finds it at every moment.
-- functions/audit/src/audit_time.fn.sql has its documentation and replaces it right after the migrations.
drop function if exists audit_time(text);
create function audit_time(value text) returns timestamptz
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

-- What the bridge calls now and then: audit_maintain_at for this moment. A retention so short that it could only be a
-- mistake, or an attempt to make the trail disappear, is refused.
create or replace function audit_maintain(retention interval default interval '90 days') returns text
language plpgsql security definer
set search_path = public, pg_temp
as $$
begin
    if retention is null or retention < interval '7 days' then
        raise exception 'the audit trail is kept for 7 days or more' using errcode = 'invalid_parameter_value';
    end if;
    return audit_maintain_at(clock_timestamp(), retention);
end
$$;
revoke execute on function audit_maintain(interval) from public;
grant execute on function audit_maintain(interval) to spindle_bridge;

-- Maintains the partitions of the audit trail at the current time, see `audit_maintain_at`. The bridge calls it regularly.
--
-- retention  how long entries are kept; less than 7 days is an error, because it would be a mistake or an attack on the trail
--
-- Returns the report of `audit_maintain_at`.
create or replace function audit_maintain(retention interval default interval '90 days') returns text
language plpgsql security definer
set search_path = public, pg_temp
as $$
begin
    if retention is null or retention < interval '7 days' then
        raise exception 'the retention of the audit trail must be at least 7 days' using errcode = 'invalid_parameter_value';
    end if;
    return audit_maintain_at(clock_timestamp(), retention);
end
$$;
revoke execute on function audit_maintain(interval) from public;
grant execute on function audit_maintain(interval) to spindle_bridge;

-- Makes Postgres refuse new entries of the audit trail, as a full disk does. Appends of no events still succeed.
create function refuse_append() returns trigger
language plpgsql as $$
begin
    raise exception 'no space left on device, for a test' using errcode = 'disk_full';
end
$$;
create trigger refuse_append before insert on audit_logs for each row execute function refuse_append();

-- Makes appends of events fail with the SQLSTATE in the setting `test.sqlstate`.
create function fail_append() returns trigger
language plpgsql as $$
begin
    raise exception 'failed for a test' using errcode = current_setting('test.sqlstate');
end
$$;
create trigger fail_append before insert on audit_logs for each row execute function fail_append();

-- Makes appends of events fail; see fail_append.sql.
create trigger fail_append before insert on audit_logs for each row execute function fail_append()

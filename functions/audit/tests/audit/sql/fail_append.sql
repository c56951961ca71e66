-- A trigger function that fails with the SQLSTATE in the setting `test.sqlstate`.
create function fail_append() returns trigger language plpgsql as
'begin raise exception ''failed for a test'' using errcode = current_setting(''test.sqlstate''); end'

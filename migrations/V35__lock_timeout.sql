-- A statement of the API that waits for a lock holds a connection, of which a process has 64. So it waits for a short time only,
-- and the client repeats the request.
--
-- In the same release, the statements of the API become procedures with new parameters. A running API of the release before
-- still calls the functions of the same names, so a later migration drops those.
do $$
begin
    execute format('alter role spindle_api in database %I set lock_timeout = %L', current_database(), '3s');
end
$$;

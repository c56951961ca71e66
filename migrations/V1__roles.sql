-- One role per kind of process, each with the least it needs; tables grant to them where they are made.
-- Roles belong to the whole server and may exist already; a login password is set by `bridge migrate`, never here.
do $$
declare
    role text;
begin
    foreach role in array array['spindle_api', 'spindle_agent', 'spindle_bridge', 'spindle_readonly'] loop
        begin
            execute format('create role %I nologin', role);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
end
$$;

-- A functions' connection is held by a pool that never gives up waiting, so a statement must.
do $$
declare
    role text;
begin
    foreach role in array array['spindle_api', 'spindle_agent'] loop
        execute format('alter role %I in database %I set statement_timeout = %L', role, current_database(), '10s');
        execute format('alter role %I in database %I set idle_in_transaction_session_timeout = %L', role, current_database(), '5s');
    end loop;
end
$$;

revoke create on schema public from public;
grant usage on schema public to spindle_api, spindle_agent, spindle_bridge, spindle_readonly;

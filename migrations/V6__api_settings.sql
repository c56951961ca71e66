-- Statements of the functions are short, and each is planned anew: compiling one to machine code costs more than it saves.
do $$
declare
    role text;
begin
    foreach role in array array['spindle_api', 'spindle_agent'] loop
        execute format('alter role %I in database %I set jit = off', role, current_database());
    end loop;
end
$$;

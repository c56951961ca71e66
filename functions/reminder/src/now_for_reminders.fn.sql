-- The clock of reminders. Tests replace it.
create or replace function now_for_reminders() returns timestamptz
language plpgsql volatile as $$
begin
    return clock_timestamp();
end
$$;

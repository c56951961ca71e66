-- Lets the clock of reminders be ahead. The test replaces `{ahead}` with an interval.
create or replace function now_for_reminders() returns timestamptz
language plpgsql volatile as $$
begin
    return clock_timestamp() + interval '{ahead}';
end
$$

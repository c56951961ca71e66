-- Whether a step of a job must change no more tasks: large tasks take long, and the user's other writes wait for a step, as do the
-- requests of others if the processor is busy. A step takes 100 ms, or what 20 tasks take, so that a small job is done in its request.
--
-- p_changed  how many tasks the step has changed
-- p_began    when the step began
create or replace function is_step_over(p_changed bigint, p_began timestamptz) returns boolean
language plpgsql volatile as $$
begin
    return p_changed >= 20 and clock_timestamp() > p_began + interval '100 milliseconds';
end
$$;

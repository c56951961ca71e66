-- Whether a step of a job must change no more tasks: large tasks take long, and the user's other writes wait for a step, as do the
-- requests of others if the processor is busy. A step ends after 100 ms, but not before it has changed 20 tasks. So the first step, which is
-- part of the request, completes a small job.
--
-- p_changed  how many tasks the step has changed
-- p_began    when the step began
create or replace function is_step_over(p_changed bigint, p_began timestamptz) returns boolean
language plpgsql volatile as $$
begin
    return p_changed >= 20 and clock_timestamp() > p_began + interval '100 milliseconds';
end
$$;

-- Whether a step of a job must change no more tasks: large tasks take long, and the user's other writes wait for a step, as do the
-- requests of others if the processor is busy. The first step is part of a request, so that a job with little to do is done at once: it
-- takes 100 ms, or what 20 tasks take. Each later step takes 25 ms.
--
-- job        the job before the step
-- p_changed  how many tasks the step has changed
-- p_began    when the step began
create or replace function is_step_over(job jobs, p_changed bigint, p_began timestamptz) returns boolean
language plpgsql volatile as $$
declare
    taken constant interval := clock_timestamp() - p_began;
begin
    if job.handled = 0 then
        return p_changed >= 20 and taken > interval '100 milliseconds';
    end if;
    return taken > interval '25 milliseconds';
end
$$;

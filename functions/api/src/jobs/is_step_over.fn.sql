-- Whether a step of a job must change no more tasks: large tasks take long, and meanwhile the user's other writes wait for the lock of
-- the user's row, and the requests of others for the processor.
--
-- The first step is part of the request. It ends after 50 ms, unless the job is so small that a client expects it to be done at once. A later
-- step ends after 20 ms, which is about as long as other requests take.
--
-- job      the job; it has no `next_at` before its first step, see `begin_job`
-- p_began  when the step began. The caller has changed a task since, so each step changes at least one
create or replace function is_step_over(job jobs, p_began timestamptz) returns boolean
language plpgsql volatile as $$
declare
    small_job constant bigint := 30;
begin
    return case
        when job.next_at is not null then clock_timestamp() > p_began + interval '20 milliseconds'
        else job.total > small_job and clock_timestamp() > p_began + interval '50 milliseconds'
    end;
end
$$;

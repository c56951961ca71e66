-- Begins work that may be too much for one statement. It does the first step at once; if something is left, a job does the rest. If
-- the user has another job that has not ended, all of the work waits for that one.
--
-- p_user   whose data the job changes; the caller has locked the user's row
-- p_kind, p_total, p_state   see `start_job`; if `p_total` is 0 and no other job can change that, nothing is to be done
--
-- Returns the job after its first step. It is stored unless it has ended.
create or replace function begin_job(p_user uuid, p_kind text, p_total bigint, p_state jsonb) returns jobs
language plpgsql volatile as $$
declare
    job jobs;
    waits boolean;
begin
    job.id := uuid_v7();
    job.user_id := p_user;
    job.kind := p_kind;
    job.state := p_state;
    job.total := p_total;
    job.handled := 0;
    job.failures := 0;
    job.created_at := clock_timestamp();
    job.updated_at := job.created_at;
    waits := exists (select from jobs j where j.user_id = p_user and not j.ended);
    job.ended := p_total = 0 and not waits;
    if not job.ended and not waits then
        job := job_step(job, 500);
    end if;
    if not job.ended then
        job.next_at := clock_timestamp();
        insert into jobs select job.*;
    end if;
    return job;
end
$$;

-- Begins work that may be too much for one statement. It does the first step at once; if something is left, a job does the rest.
--
-- p_user, p_kind, p_total, p_state   see `start_job`
--
-- Returns the job after its first step. It is stored unless it has ended.
create or replace function begin_job(p_user uuid, p_kind text, p_total bigint, p_state jsonb) returns jobs
language plpgsql volatile as $$
declare
    job jobs;
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
    job.next_at := job.created_at;
    job.ended := false;
    job := job_step(job, 500);
    if not job.ended then
        insert into jobs select job.*;
    end if;
    return job;
end
$$;

-- Starts a job. The bridge runs it, see `run_job`.
--
-- p_user   whose data the job changes
-- p_kind   name of the job: the function `<kind>_step` does a step of it
-- p_total  how many tasks it changes
-- p_state  what its steps need to know
--
-- Returns the id of the job.
create or replace function start_job(p_user uuid, p_kind text, p_total bigint, p_state jsonb) returns uuid
language plpgsql volatile as $$
declare
    job_id constant uuid := uuid_v7();
begin
    insert into jobs (id, user_id, kind, total, state) values (job_id, p_user, p_kind, p_total, p_state);
    return job_id;
end
$$;

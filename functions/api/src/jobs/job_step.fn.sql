-- Does one step of a job. A new kind of job has its step here.
--
-- job     the job
-- p_most  how many tasks the step changes at most, see also `is_step_over`
--
-- Returns the job after the step. The caller stores it.
create or replace function job_step(job jobs, p_most bigint) returns jobs
language plpgsql volatile as $$
begin
    case job.kind
        when 'close_account' then return close_account_step(job, p_most);
        when 'move_days' then return move_days_step(job, p_most);
        when 'rename_tag' then return rename_tag_step(job, p_most);
    end case;
end
$$;

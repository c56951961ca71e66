-- Runs one step of the job that has waited longest.
-- $1 how many tasks a step changes at most.
-- Columns: id and kind of the job, null if no job is due; whether it has ended; the error of the step, null if it worked.
select job_id::text, kind, ended, error from run_job($1)

-- Runs one step of the job that has waited longest. The bridge calls it, in a transaction of its own. The jobs of one user run one
-- after the other, as if each had been done when it was requested: two that rename a tag to and fro would never end side by side.
--
-- p_most  how many tasks a step changes at most
--
-- Columns: id and kind of the job, null if no job is due; whether it has ended; the error of the step, null if it worked. A step
-- that fails changes nothing and is repeated later: after a second, and after twice as long for each failure, up to five minutes.
--
-- Security definer, because the role of the bridge may not write tasks.
create or replace function run_job(p_most bigint, out job_id uuid, out kind text, out ended boolean, out error text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    moment constant timestamptz := clock_timestamp();
    job jobs;
begin
    select * into job from jobs j
        where not j.ended and j.next_at <= moment
            and not exists (select from jobs o where o.user_id = j.user_id and not o.ended and (o.created_at, o.id) < (j.created_at, j.id))
        order by j.next_at limit 1 for no key update skip locked;
    if not found then
        return;
    end if;
    job_id := job.id;
    kind := job.kind;
    begin
        job := job_step(job, p_most);
        job.failures := 0;
        job.error := null;
        job.next_at := clock_timestamp();
    exception when others then
        -- The block has undone what the step wrote, but not its changes to `job`.
        select * into job from jobs j where j.id = job_id;
        job.failures := job.failures + 1;
        job.error := sqlerrm;
        job.next_at := clock_timestamp() + least(power(2, least(job.failures, 10) - 1), 300) * interval '1 second';
    end;
    update jobs j set
        state = job.state, handled = job.handled, ended = job.ended, failures = job.failures, error = job.error,
        next_at = job.next_at, updated_at = clock_timestamp()
        where j.id = job_id;
    ended := job.ended;
    error := job.error;
end
$$;

revoke execute on function run_job(bigint) from public;
grant execute on function run_job(bigint) to spindle_bridge;

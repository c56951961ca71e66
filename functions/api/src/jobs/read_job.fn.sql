-- Reads a job of a user.
--
-- p_user  the user
-- p_id    the job
-- p_rate  see `admit`
--
-- Returns the job as JSON; null if there is no such job or the request is not admitted. `rate` is that of `admit`.
create or replace procedure read_job(p_user text, p_id text, p_rate text[], out body text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select json_build_object(
            'id', j.id, 'kind', replace(j.kind, '_', '-'),
            'state', case when j.ended then 'ended' when j.failures > 0 then 'failing' else 'running' end,
            'handled', j.handled, 'total', greatest(j.total, j.handled),
            'created_at', rfc3339(j.created_at), 'updated_at', rfc3339(j.updated_at))::text
        into body
        from jobs j where j.id = p_id::uuid and j.user_id = p_user::uuid;
end
$$;

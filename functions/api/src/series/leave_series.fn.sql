-- Prepares the deletion of an occurrence of a series. The caller holds the user's row lock, and deletes the occurrence.
--
-- task       the occurrence
-- p_scope    see `delete_task`
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
create or replace function leave_series(task tasks, p_scope text, p_context text, p_actor text) returns void
language plpgsql volatile as $$
declare
    is_open constant boolean := task.status in ('open', 'in_progress');
    newest tasks;
    done write_result;
begin
    if p_scope = 'this' and is_open then
        call update_task(task.user_id::text, task.id::text, null, null, null, 'cancelled', null, null, false, null, null,
            false, null, null, null, 'skip', null, null, p_context, p_actor, null, null, null,
            done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
    elsif p_scope in ('all', 'future') or p_scope is null and is_open then
        perform end_series(task.series_id, 'deletion', clock_timestamp(), p_context, p_actor);
        select t.* into newest from series s join tasks t on t.id = s.current_id
            where s.id = task.series_id and t.deleted_at is null and t.status in ('open', 'in_progress');
        if newest.id <> task.id then
            call delete_task(task.user_id::text, newest.id::text, null, 'all', p_context, p_actor, null,
                done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
        end if;
    end if;
end
$$;

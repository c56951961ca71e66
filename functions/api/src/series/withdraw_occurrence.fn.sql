-- Takes back the occurrence that was made when a task was completed or skipped, because the task is open again. It stays if it has
-- been changed since. Then the reopened task is one more open task, and completing it leads to no other.
--
-- The occurrence becomes a tombstone. When the task is completed again, `create_occurrences` revives it.
--
-- task       the task that is open again; the caller holds the user's row lock
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
create or replace function withdraw_occurrence(task tasks, p_context text, p_actor text) returns void
language plpgsql volatile as $$
declare
    next tasks;
    had_ended constant boolean := ended_at is not null from series where id = task.series_id;
begin
    -- The last occurrence of a series: nothing was made after it.
    update series set next_at = null, ended_at = null, ended_by = null
        where id = task.series_id and current_id = task.id and (ended_by is null or ended_by = 'rule');
    if found then
        if had_ended then
            perform series_changed(task.series_id, p_context, p_actor);
        end if;
        return;
    end if;
    select t.* into next from series s join tasks t on t.id = s.current_id
        where s.id = task.series_id and s.previous_id = task.id
            and t.version = s.current_version and t.deleted_at is null;
    if not found then
        return;
    end if;
    update users set sync_seq = sync_seq + 1 where id = task.user_id returning sync_seq into next.seq;
    next.version := next.version + 1;
    next.deleted_at := clock_timestamp();
    next.updated_at := next.deleted_at;
    update tasks set version = next.version, seq = next.seq, updated_at = next.updated_at, deleted_at = next.deleted_at
        where id = next.id;
    update series set current_id = task.id, current_version = null, previous_id = null, ended_at = null, ended_by = null
        where id = task.series_id;
    perform emit_task_events(task.user_id, next.id, 'task.deleted', next.seq, next.deleted_at, p_context, p_actor,
        task_json(next), '{"deleted_at":null}');
    if had_ended then
        perform series_changed(task.series_id, p_context, p_actor);
    end if;
    if next.reminders is not null then
        perform schedule_reminders(next, p_context, p_actor);
    end if;
end
$$;

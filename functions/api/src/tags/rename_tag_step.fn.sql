-- One step of the job that renames a tag. Tasks that get the old name after the job began keep it.
--
-- job     the job; its `state` has the old tag, its new name, and the context and the actor of the events
-- p_most  how many tasks the step changes
--
-- Returns the job after the step.
create or replace function rename_tag_step(job jobs, p_most bigint) returns jobs
language plpgsql volatile as $$
declare
    old_tag constant text := job.state ->> 'tag';
    new_tag constant text := job.state ->> 'name';
    moment constant timestamptz := clock_timestamp();
    last_seq bigint;
    task tasks;
    old_tags text[];
    changed bigint := 0;
begin
    select sync_seq into last_seq from users where id = job.user_id for no key update;
    if not found then
        job.ended := true;
        return job;
    end if;
    for task in
        select * from tasks t
        where t.user_id = job.user_id and t.deleted_at is null and t.tags @> array[old_tag] and t.created_at <= job.created_at
        limit p_most
    loop
        changed := changed + 1;
        old_tags := task.tags;
        task.tags := case when old_tags @> array[new_tag] then array_remove(old_tags, old_tag)
            else array_replace(old_tags, old_tag, new_tag) end;
        task.seq := last_seq + changed;
        task.version := task.version + 1;
        task.updated_at := moment;
        update tasks t set tags = task.tags, version = task.version, seq = task.seq, updated_at = moment where t.id = task.id;
        perform emit_task_events(job.user_id, task.id, 'task.updated', task.seq, moment,
            job.state ->> 'context', job.state ->> 'actor', task_json(task), '{"tags":' || array_to_json(old_tags)::text || '}');
    end loop;
    update users set sync_seq = last_seq + changed where id = job.user_id;
    job.handled := job.handled + changed;
    job.ended := changed < p_most;
    return job;
end
$$;

-- One step of the job that renames a tag, or removes it if there is no new name. Tasks that get the old name after the job began keep it.
--
-- job     the job; its `state` has the old tag, its new name, and the context and the actor of the events
-- p_most  how many tasks the step changes at most, see `job_step`
--
-- Returns the job after the step.
create or replace function rename_tag_step(job jobs, p_most bigint) returns jobs
language plpgsql volatile as $$
declare
    new_tag constant text := job.state ->> 'name';
    old_key constant text := tag_key(job.state ->> 'tag');
    new_key constant text := tag_key(new_tag);
    -- Whether the task keeps nothing in the place of the old tag.
    drops_old boolean;
    moment constant timestamptz := clock_timestamp();
    last_seq bigint;
    task tasks;
    old tasks;
    changed_series series;
    old_tags text[];
    changed bigint := 0;
    is_over boolean := false;
begin
    select sync_seq into last_seq from users where id = job.user_id for no key update;
    if not found then
        job.ended := true;
        return job;
    end if;
    for task in
        select * from tasks t
        where t.user_id = job.user_id and t.deleted_at is null and t.tag_keys <> '{}' and t.tag_keys @> array[old_key]
            and t.created_at <= job.created_at
            -- A task that has the same tag in the new spelling is done.
            and (new_key <> old_key or not t.tags @> array[new_tag])
        limit p_most
    loop
        changed := changed + 1;
        old := task;
        old_tags := task.tags;
        drops_old := new_tag is null or (new_key <> old_key and task.tag_keys @> array[new_key]);
        task.tags := array(
            select case when o.key = old_key then new_tag else o.tag end
            from unnest(old_tags, task.tag_keys) with ordinality as o (tag, key, place)
            where o.key <> old_key or (not drops_old and o.place = array_position(task.tag_keys, old_key))
            order by o.place);
        last_seq := last_seq + 1;
        task.seq := last_seq;
        task.version := task.version + 1;
        task.updated_at := moment;
        perform keep_old_values(old, task);
        update tasks t set
            tags = task.tags, version = task.version, seq = task.seq, updated_at = moment, field_versions = field_versions(old, task)
            where t.id = task.id;
        perform emit_task_events(job.user_id, task.id, 'task.updated', task.seq, moment,
            job.state ->> 'context', job.state ->> 'actor', task_json(task), '{"tags":' || array_to_json(old_tags)::text || '}');
        -- The next occurrence of its series gets the same tags.
        update series set tags = task.tags, seq = last_seq + 1 where id = task.series_id and current_id = task.id and tags = old_tags
            returning * into changed_series;
        if found then
            last_seq := last_seq + 1;
            perform emit_user_changed(job.user_id, last_seq,
                jsonb_build_object('series', json_build_array(series_item(changed_series)::json)),
                job.state ->> 'context', job.state ->> 'actor');
        end if;
        is_over := is_step_over(job, moment);
        exit when is_over;
    end loop;
    update users set sync_seq = last_seq where id = job.user_id;
    job.handled := job.handled + changed;
    job.ended := changed < p_most and not is_over;
    return job;
end
$$;

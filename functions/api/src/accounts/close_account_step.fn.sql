-- One step of the job that removes the tasks of a deleted account, tombstones included, and the counts of its tags. Each live task emits
-- the events of its deletion.
--
-- job     the job; its `state` has the last sequence number of the account, and the context and the actor of the events
-- p_most  the most tasks that a step removes. A step never removes more than 100, because one statement deletes them all and cannot stop
--         early
--
-- Returns the job after the step: `handled` has grown by the number of live tasks, and `ended` tells whether no task is left.
create or replace function close_account_step(job jobs, p_most bigint) returns jobs
language plpgsql volatile as $$
declare
    moment constant timestamptz := clock_timestamp();
    most constant bigint := least(p_most, 100);
    last_seq bigint := job.state ->> 'seq';
    removed bigint := 0;
    removed_counts bigint;
    task tasks;
begin
    for task in
        delete from tasks where id = any (array(
            -- Each half has an index; there is none for both.
            (select t.id from tasks t where t.user_id = job.user_id and t.deleted_at is null limit most)
            union all
            (select t.id from tasks t where t.user_id = job.user_id and t.deleted_at is not null limit most)
            limit most))
        returning *
    loop
        removed := removed + 1;
        if task.deleted_at is null then
            last_seq := last_seq + 1;
            task.seq := last_seq;
            task.version := task.version + 1;
            task.updated_at := moment;
            task.deleted_at := moment;
            perform emit_task_events(job.user_id, task.id, 'task.deleted', task.seq, moment,
                job.state ->> 'context', job.state ->> 'actor', task_json(task), '{"deleted_at":null}');
            job.handled := job.handled + 1;
        end if;
    end loop;
    job.state := jsonb_set(job.state, '{seq}', to_jsonb(last_seq));
    -- No trigger counts the tags of a task that is removed.
    delete from tag_counts where ctid = any (array(select ctid from tag_counts where user_id = job.user_id limit most));
    get diagnostics removed_counts = row_count;
    job.ended := removed < most and removed_counts < most;
    if job.ended then
        delete from series where user_id = job.user_id;
        delete from reminders where user_id = job.user_id;
        delete from deliveries where user_id = job.user_id;
        delete from notifications where user_id = job.user_id;
        delete from old_values where user_id = job.user_id;
        delete from sync_operations where user_id = job.user_id;
        delete from conflicts where user_id = job.user_id;
        delete from push_subscriptions where user_id = job.user_id;
    end if;
    return job;
end
$$;

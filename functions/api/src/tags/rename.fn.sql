-- Gives a tag another name on all of a user's live tasks. Where a task has that name already, it keeps it once.
-- status: 200 renamed, merged into a tag that was there, or unchanged; with the number of tasks that have the name now ·
-- 401 no such user · 404 no live task has the tag.
create or replace function rename_tag(
    p_user uuid, p_tag text, p_name text, p_context text, p_actor text, p_rate text[],
    out status integer, out tasks bigint, out merged boolean, out rate text)
language plpgsql volatile as $$
declare
    last_seq bigint;
    moment timestamptz;
    changed bigint := 0;
begin
    rate := take_rate(p_rate);
    if rate like 'wait%' then
        return;
    end if;
    select sync_seq into last_seq from users where users.id = p_user for no key update;
    if not found then
        status := 401;
        return;
    end if;
    merged := p_name <> p_tag and exists (
        select from tasks t where t.user_id = p_user and t.deleted_at is null and t.tags @> array[p_name]);
    if p_name <> p_tag then
        moment := clock_timestamp();
        with numbered as (
            select t.id, t.tags, last_seq + row_number() over (order by t.seq) as seq
            from tasks t
            where t.user_id = p_user and t.deleted_at is null and t.tags @> array[p_tag]
        ), renamed as (
            update tasks t set
                tags = case when n.tags @> array[p_name] then array_remove(n.tags, p_tag)
                    else array_replace(n.tags, p_tag, p_name) end,
                version = t.version + 1, seq = n.seq, updated_at = moment
            from numbered n
            where t.id = n.id
            returning t as task, n.tags as previous
        ), told as (
            select emit_task_events(p_user, (r.task).id, 'task.updated', (r.task).seq, moment, p_context, p_actor,
                task_json(r.task), '{"tags":' || array_to_json(r.previous)::text || '}')
            from renamed r
            order by (r.task).seq
        )
        select count(*) into changed from told;
        if changed > 0 then
            update users set sync_seq = sync_seq + changed where users.id = p_user;
        end if;
    end if;
    select count(*) into tasks
        from tasks t where t.user_id = p_user and t.deleted_at is null and t.tags @> array[p_name];
    status := case when changed > 0 or (p_name = p_tag and tasks > 0) then 200 else 404 end;
end
$$;

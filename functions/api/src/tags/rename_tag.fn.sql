-- Renames a tag on all of a user's live tasks, on the first ones at once and on the others by a job. A task that has the new name
-- already keeps it once. Tags with equal keys are the same tag (see `tag_key`), so a rename can also change the spelling. Without a new
-- name, the tag is removed.
--
-- p_user         the user
-- p_tag, p_name  the tag's old and new name; a null name removes it
-- p_context      envelope members that come from the request, as JSON without its braces
-- p_actor        the actor of the events, as JSON
-- p_rate         see `admit_write`; the request is also charged for the tasks that have the tag
--
-- The OUT parameters are the columns of `write_result`. Outcomes: changed · started (the job `id` renames the tag on
-- more tasks) · unchanged (all tasks have the tag in this spelling) · deleted (it is removed) · missing (no live task has the tag) ·
-- limited · gone.
--
-- A removal has no body. The body of `changed`, `started` and `unchanged` has the members `tag` (the new name), `count` (the number of
-- live tasks that have it now) and `merged` (whether live tasks had the new name before).
create or replace procedure rename_tag(
    p_user text, p_tag text, p_name text, p_context text, p_actor text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    old_key constant text := tag_key(p_tag);
    new_key constant text := tag_key(p_name);
    admitted boolean;
    job jobs;
    merged boolean;
    tasks bigint;
begin
    call admit_write(owner, p_rate, null, null, false, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    -- The charge comes before the work, because work that takes too long fails.
    tasks := count(*) from tasks t
        where t.user_id = owner and t.deleted_at is null and t.tag_keys <> '{}' and t.tag_keys @> array[old_key];
    call admit_rows(p_rate, tasks, rate, admitted);
    if not admitted then
        outcome := 'limited';
        return;
    end if;
    perform from users where users.id = owner for no key update;
    if not found then
        outcome := 'gone';
        return;
    end if;
    merged := coalesce(new_key <> old_key, false) and exists (
        select from tasks t where t.user_id = owner and t.deleted_at is null and t.tag_keys <> '{}' and t.tag_keys @> array[new_key]);
    job := begin_job(owner, 'rename_tag', tasks, json_build_object(
        'tag', p_tag, 'name', p_name, 'context', p_context, 'actor', p_actor)::jsonb);
    select count(*) into tasks
        from tasks t where t.user_id = owner and t.deleted_at is null and t.tag_keys <> '{}' and t.tag_keys @> array[new_key];
    if not job.ended then
        outcome := 'started';
        id := job.id;
    elsif job.handled > 0 then
        outcome := case when p_name is null then 'deleted' else 'changed' end;
    elsif new_key = old_key and tasks > 0 then
        outcome := 'unchanged';
    else
        outcome := 'missing';
        return;
    end if;
    -- Null for a removal.
    body := '{"count":' || tasks || ',"merged":' || merged || ',"tag":' || to_json(p_name)::text || '}';
end
$$;

-- Merges the fields that an operation sets with what others have changed since the version that the client knew. A field that nobody else
-- has changed is simply set. Of tags, the changes of both sides hold. A description is merged by lines, which the API does. Of any other
-- field, the value of the operation wins, because it comes later in the order of the server, and the other value is kept as a conflict.
--
-- task          the task as it is
-- p_operation   the operation, see `sync_operation`
-- p_base        the version that the client knew
-- p_own         versions that earlier operations of the batch have made: no changes of others
-- p_known       tags and description after those operations, see `own` of `sync_operation`
--
-- Returns {"lost": {field: {"theirs", "yours"}}, "tags", "description", "text"}. `tags` and `description` are the merged values, and are left
-- out where the operation's own value holds. `text` is there if the API has to merge: {"outcome", "base", "theirs", "version"}. The operation then comes
-- again with `text`: {"version", "merged"}, where `merged` is null if both have changed the same lines.
create or replace function merge_fields(task tasks, p_operation json, p_base bigint, p_own bigint[], p_known jsonb) returns jsonb
language plpgsql stable as $$
declare
    names constant text[] := array['title', 'description', 'status', 'priority', 'tags', 'due', 'recurrence', 'reminders'];
    theirs constant jsonb := task_json(task);
    answer jsonb := '{}';
    lost jsonb := '{}';
    yours jsonb;
    old jsonb;
    merged text[];
begin
    for field in 1 .. 8 loop
        continue when coalesce(task.field_versions[field], 0) <= p_base or task.field_versions[field] = any (p_own);
        yours := (p_operation -> names[field])::jsonb;
        continue when coalesce(yours, 'null') = 'null' and not case names[field]
            when 'due' then coalesce((p_operation ->> 'set_due')::boolean, false)
            when 'recurrence' then coalesce((p_operation ->> 'set_recurrence')::boolean, false)
            else false end;
        -- Due dates, recurrences and reminders are JSON inside of a string.
        if names[field] in ('due', 'recurrence', 'reminders') then
            yours := coalesce((p_operation ->> names[field])::jsonb, 'null');
        end if;
        -- These operations change only tasks that are not as they want them.
        continue when names[field] = 'status' and (
            p_operation ->> 'op' = 'reopen' and task.status in ('open', 'in_progress')
            or p_operation ->> 'op' = 'skip' and task.status in ('completed', 'cancelled'));
        continue when yours = theirs -> names[field]
            or names[field] = 'recurrence' and theirs -> 'recurrence' @> yours and yours <> 'null';
        if names[field] in ('tags', 'description') then
            old := coalesce(p_known -> names[field], old_value(task, names[field], p_base));
        end if;
        if names[field] = 'tags' then
            merged := merge_tags(
                array(select jsonb_array_elements_text(old)), task.tags, array(select jsonb_array_elements_text(yours)));
            if cardinality(merged) <= 32 then
                answer := answer || jsonb_build_object('tags', merged);
                continue;
            end if;
        elsif names[field] = 'description' and (p_operation #>> '{text,version}')::bigint is distinct from task.version then
            return jsonb_build_object('text', jsonb_build_object('outcome', 'text', 'base', old, 'theirs', task.description, 'version', task.version));
        elsif names[field] = 'description' and p_operation #>> '{text,merged}' is not null then
            answer := answer || jsonb_build_object('description', p_operation #>> '{text,merged}');
            continue;
        end if;
        lost := lost || jsonb_build_object(names[field], jsonb_build_object('theirs', theirs -> names[field], 'yours', yours));
    end loop;
    return answer || jsonb_build_object('lost', lost);
end
$$;

-- Adds, changes or removes one reminder of a task. The task gets a new version.
--
-- p_user     the user
-- p_task     the task; null if `p_id` says it
-- p_id       the reminder; null adds one
-- p_patch    the members of the definition that change, see `set_reminders`, as JSON; null removes the reminder
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
-- p_key, p_fingerprint, p_rate   see `admit_write`
--
-- The OUT parameters are the columns of `write_result`; `body` is the reminder. Outcomes: made · changed · unchanged · deleted · missing ·
-- too_many (a task has 20 reminders) · limited · gone · key_reused.
create or replace procedure change_reminder(
    p_user text, p_task text, p_id text, p_patch text, p_context text, p_actor text, p_key text, p_fingerprint text,
    p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    task tasks;
    old jsonb;
    definitions text;
    done write_result;
    reminder reminders;
begin
    call admit_write(owner, p_rate, p_key, p_fingerprint, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into task from tasks t
        where t.user_id = owner and t.deleted_at is null
            and t.id = coalesce(p_task::uuid, (select r.task_id from reminders r where r.id = p_id::uuid));
    old := coalesce(task.reminders::jsonb, '[]');
    if task.id is null or p_id is not null and not old @> jsonb_build_array(jsonb_build_object('id', p_id)) then
        outcome := 'missing';
    elsif p_id is null and jsonb_array_length(old) >= 20 then
        outcome := 'too_many';
    else
        select '[' || coalesce(string_agg(reminder_definition(d.item, (d.item ->> 'id')::uuid), ',' order by d.place), '') || ']'
            into definitions
            from (
                select case when i.value ->> 'id' = p_id then i.value || p_patch::jsonb else i.value end, i.place
                from jsonb_array_elements(old) with ordinality as i (value, place)
                union all
                select p_patch::jsonb, 1000 where p_id is null
            ) as d (item, place)
            where d.item is not null;
        call update_task(p_user, task.id::text, null, null, null, null, null, null, false, null, null, false, null, definitions, null,
            null, null, null, p_context, p_actor, null, null, null,
            done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
        outcome := case when p_patch is null then 'deleted' when p_id is null then 'made' else done.outcome end;
        if p_patch is not null then
            select * into reminder from reminders r
                where r.id = coalesce(p_id::uuid, (select (t.reminders -> -1 ->> 'id')::uuid from tasks t where t.id = task.id));
            id := reminder.id::text;
            body := reminder_json(reminder);
        end if;
    end if;
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;

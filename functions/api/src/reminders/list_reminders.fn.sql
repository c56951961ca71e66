-- Lists the reminders of a task, with what became of them on each channel.
--
-- p_user  the user
-- p_task  the task
-- p_rate  see `admit`
--
-- Returns a JSON array in the order of the task's definitions, each reminder with its last 20 deliveries; null if there is no such task or
-- the request is not admitted. `rate` is that of `admit`.
create or replace procedure list_reminders(p_user text, p_task text, p_rate text[], out items text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select '[' || coalesce(string_agg(
            left(reminder_json(r), -1) || ',"deliveries":' || coalesce((
                select '[' || string_agg(delivery_json(d), ',' order by d.fire_at desc, d.channel) || ']'
                from (select * from deliveries where reminder_id = r.id order by fire_at desc, channel limit 20) d), '[]') || '}',
            ',' order by i.place) filter (where r.id is not null), '') || ']'
        into items
        from tasks t
        left join json_array_elements(coalesce(t.reminders, '[]')) with ordinality as i (value, place) on true
        left join reminders r on r.id = (i.value ->> 'id')::uuid
        where t.id = p_task::uuid and t.user_id = p_user::uuid and t.deleted_at is null
        group by t.id;
end
$$;

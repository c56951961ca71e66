-- A recurrence with another state of the pause. It edits the text, because `jsonb_set` would change the order of the members.
--
-- recurrence  the stored recurrence, which ends with `paused_at` and `resumed_at`
-- is_paused   whether it is paused now, or resumed
-- moment      since when
create or replace function paused_recurrence(recurrence json, is_paused boolean, moment timestamptz) returns json
language plpgsql stable parallel safe as $$
begin
    return regexp_replace(recurrence::text, ',"paused_at":[^,]*,"resumed_at":[^,]*}$', '')
        || ',"paused_at":' || case when is_paused then '"' || rfc3339(moment) || '"' else 'null' end
        || ',"resumed_at":' || case when is_paused then 'null' else '"' || rfc3339(moment) || '"' end || '}';
end
$$;

-- Gives a series that has changed its number, and emits the event of the change. The caller holds the user's row lock.
--
-- p_series   id of the series
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the event, as JSON
--
-- Returns the number.
create or replace function series_changed(p_series uuid, p_context text, p_actor text) returns bigint
language plpgsql volatile as $$
declare
    changed series;
begin
    update series set seq = next_seq(user_id) where id = p_series returning * into changed;
    perform emit_user_changed(changed.user_id, changed.seq, jsonb_build_object('series', json_build_array(series_item(changed)::json)),
        p_context, p_actor);
    return changed.seq;
end
$$;

-- Reads one series of a user.
--
-- p_user  the user
-- p_id    the series
-- p_rate  see `admit`
--
-- Returns the JSON of the series; null if there is no such series or the request is not admitted. `rate` is that of `admit`.
create or replace procedure read_series(p_user text, p_id text, p_rate text[], out body text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select series_json(s, t) into body from series s left join tasks t on t.id = s.current_id
        where s.id = p_id::uuid and s.user_id = p_user::uuid;
end
$$;

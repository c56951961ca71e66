-- Marks notifications as read.
--
-- p_user  the user
-- p_ids   ids of the notifications; null for all
-- p_rate  see `admit_write`
--
-- The OUT parameters are the columns of `write_result`; `body` is {"read": how many were unread before}. Outcomes: changed · limited · gone.
create or replace procedure read_notifications(
    p_user text, p_ids text[], p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    changed bigint;
begin
    call admit_write(owner, p_rate, null, null, false, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    update notifications set read_at = clock_timestamp()
        where user_id = owner and read_at is null and (p_ids is null or notifications.id = any (p_ids::uuid[]));
    get diagnostics changed = row_count;
    outcome := 'changed';
    body := '{"read":' || changed || '}';
end
$$;

-- One page of the inbox, newest first.
--
-- p_user       the user
-- p_unread     whether only unread ones are listed
-- p_key, p_id  time and id of the last notification of the page before; null for the first page
-- p_limit      page size
-- p_rate       see `admit`
--
-- Returns the items as a JSON array; the last item's time and id if more follow, else nulls; the number of unread notifications, up to 1,000.
-- `rate` is that of `admit`.
create or replace procedure list_notifications(
    p_user text, p_unread boolean, p_key text, p_id text, p_limit bigint, p_rate text[],
    out items text, out next_key text, out next_id text, out unread bigint, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select count(*) into unread from (
        select from notifications where user_id = owner and read_at is null limit 1000) n;
    with page as (
        select n.* from notifications n
        where n.user_id = owner and (not p_unread or n.read_at is null)
            and (p_key is null or (n.created_at, n.id) < (p_key::timestamptz, p_id::uuid))
        order by n.created_at desc, n.id desc
        limit p_limit + 1
    ), shown as (
        select p.* from page p order by p.created_at desc, p.id desc limit p_limit
    )
    select
        (select '[' || coalesce(string_agg(notification_json(s::notifications), ',' order by s.created_at desc, s.id desc), '')
            || ']' from shown s),
        last.created_at::text,
        last.id::text
        into items, next_key, next_id
        from (select) always
        left join (select s.created_at, s.id from shown s order by s.created_at, s.id limit 1) last
            on (select count(*) from page) > p_limit;
end
$$;

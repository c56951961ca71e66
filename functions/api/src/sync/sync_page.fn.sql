-- One page of what a client has to know about a user: all rows that have changed since the number that the client has reached.
--
-- p_user    the user
-- p_after   the number that the client has reached; null for a client that begins
-- p_rank    of the rows with this number, which ones the client has: rows have the order (number, rank, id). Ranks: 1 tasks, 2 series,
--           3 reminders, 4 notifications, 9 means that it has all
-- p_id      see `p_rank`
-- p_base    the number that the user had reached when the client began. The client gets no tombstones with this number or a smaller one
-- p_issued  when the client got the cursor, in seconds since 1970; null for a client that begins
-- p_limit   the most rows of the page. A page has about 4 MiB at most
-- p_rate    see `admit`
--
--   expired   whether there is no page: tombstones may be gone that the client has not seen, or the database was set back to an older state.
--             Null if the request is not admitted
--   changes   tasks and tombstones, a JSON array in the order of their numbers
--   others    series, reminders, notifications and the account, as members of a JSON object without its braces
--   reached   the number that the client has reached with this page
--   rank, id  null if nothing more follows, else the last row of the page, see `p_rank`
--   base      `p_base` of the next page
--   issued    now, in seconds since 1970
--   newest    the last number of the user
--   rate      what `admit` says
--
-- One statement reads all, so a page is of one moment. A row that changes while a client fetches pages gets a larger number, so a later
-- page has it. That is why the client agrees with the server after the last page.
create or replace procedure sync_page(
    p_user text, p_after bigint, p_rank bigint, p_id text, p_base bigint, p_issued bigint, p_limit bigint, p_rate text[],
    out expired boolean, out changes text, out others text, out reached bigint, out rank bigint, out id text, out base bigint,
    out issued bigint, out newest bigint, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    after constant bigint := coalesce(p_after, -1);
    -- Where each kind of rows begins. Ids are compared only among the rows of `p_rank`.
    first constant uuid := '00000000-0000-0000-0000-000000000000';
    last constant uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    task_id constant uuid := case when p_rank = 1 then p_id::uuid else last end;
    series_id constant uuid := case when p_rank = 2 then p_id::uuid when p_rank < 2 then first else last end;
    reminder_id constant uuid := case when p_rank = 3 then p_id::uuid when p_rank < 3 then first else last end;
    notification_id constant uuid := case when p_rank = 4 then p_id::uuid when p_rank < 4 then first else last end;
    admitted boolean;
    rows bigint;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    issued := extract(epoch from clock_timestamp())::bigint;
    select sync_seq into newest from users where users.id = owner;
    expired := after > newest or coalesce(p_issued < issued - 30 * 86400, false);
    if expired then
        return;
    end if;
    base := coalesce(p_base, newest);
    if after = newest and p_rank = 9 then
        changes := '[]';
        others := '"series":[],"reminders":[],"notifications":[],"account":null';
        reached := newest;
        return;
    end if;
    -- Before Postgres has counted the tasks of a new account, it would rather sort all of them than walk in the order of the index.
    perform set_config('enable_sort', 'off', true);
    with account as materialized (
        select u as row, u.sync_seq, u.account_seq from users u where u.id = owner
    ), found as materialized (
        (select 1 as rank, t.seq, t.id, octet_length(t.title) + octet_length(t.description) + 900 as size
            from tasks t
            where t.user_id = owner and (t.seq, t.id) > (after, task_id) and (t.deleted_at is null or t.seq > base)
            order by t.seq, t.id limit p_limit + 1)
        union all
        (select 2, s.seq, s.id, octet_length(s.title) + octet_length(s.description) + 700
            from series s where s.user_id = owner and (s.seq, s.id) > (after, series_id)
            order by s.seq, s.id limit p_limit + 1)
        union all
        (select 3, r.seq, r.id, 350
            from reminders r
            where r.user_id = owner and (r.seq, r.id) > (after, reminder_id)
                and exists (select from tasks t where t.id = r.task_id and t.deleted_at is null)
            order by r.seq, r.id limit p_limit + 1)
        union all
        (select 4, n.seq, n.id, octet_length(n.title) + 350
            from notifications n where n.user_id = owner and (n.seq, n.id) > (after, notification_id)
            order by n.seq, n.id limit p_limit + 1)
    ), summed as (
        select f.*, row_number() over w as place, sum(f.size) over w as bytes
        from found f
        window w as (order by f.seq, f.rank, f.id)
    ), kept as materialized (
        select k.* from summed k where k.place = 1 or k.place <= p_limit and k.bytes <= 4 * 1024 * 1024
    ), last_row as materialized (
        -- Null if the page has all.
        select k.seq, k.rank, k.id from kept k
        where (select count(*) from kept) < (select count(*) from found)
        order by k.place desc limit 1
    )
    select
        a.sync_seq, coalesce(l.seq, a.sync_seq), l.rank, l.id::text, (select count(*) from kept),
        -- Each row is looked up by its id: Postgres may join otherwise, and read the whole table for one row.
        (select '[' || coalesce(string_agg(
                (select case when t.deleted_at is null then task_json(t) else tombstone_item(t) end from tasks t where t.id = k.id),
                ',' order by k.place), '') || ']'
            from kept k where k.rank = 1),
        '"series":[' || coalesce((select string_agg(
                (select series_item(s) from series s where s.id = k.id), ',' order by k.place)
            from kept k where k.rank = 2), '')
        || '],"reminders":[' || coalesce((select string_agg(
                (select reminder_item(r) from reminders r where r.id = k.id), ',' order by k.place)
            from kept k where k.rank = 3), '')
        || '],"notifications":[' || coalesce((select string_agg(
                (select notification_item(n) from notifications n where n.id = k.id), ',' order by k.place)
            from kept k where k.rank = 4), '')
        || '],"account":' || case
            when p_after is null or a.account_seq > greatest(after, base) and a.account_seq <= coalesce(l.seq, a.sync_seq)
            then account_item(a.row) else 'null' end
        into newest, reached, rank, id, rows, changes, others
        from account a left join last_row l on true;
    if rows >= 250 and p_rate is not null then
        -- Pages of other lists are shorter and cost as much as one request.
        rate := charge_rate(p_rate, rows / 250);
    end if;
end
$$;

-- Fires the reminders that are due, newest first for each user. Several agents may do so at the same time: each takes shards of users
-- that no other is working on.
--
-- p_limit  the most reminders that are fired
--
-- Returns how many were handled, so that the agent goes on while there are more.
--
-- The lock order is that of all writes: the user's row first. A user whose row is locked has to wait for the next call.
create or replace function fire_reminders(p_limit bigint) returns bigint
language plpgsql security definer
set search_path = public, pg_temp
as $$
declare
    moment constant timestamptz := now_for_reminders();
    -- Agents that begin at the same time begin with different shards.
    first constant integer := floor(random() * 64);
    next smallint;
    due_users uuid[];
    handled bigint := 0;
    account users;
    reminder reminders;
begin
    for turn in first .. first + 63 loop
        exit when handled >= p_limit;
        next := turn % 64;
        continue when not exists (select from reminders where shard = next and fires_at <= moment);
        continue when not pg_try_advisory_xact_lock(hashtext('fire_reminders'), next);
        select array_agg(distinct d.user_id order by d.user_id) into due_users from (
            select user_id from reminders where shard = next and fires_at <= moment order by fires_at limit p_limit - handled) d;
        for account in
            select * from users where id = any (due_users) order by id for no key update skip locked
        loop
            for reminder in
                select * from reminders where user_id = account.id and fires_at <= moment
                order by fires_at desc limit p_limit - handled for update
            loop
                -- The account's row is written once for all its reminders, because each write leaves a dead row behind.
                account.sync_seq := account.sync_seq + 1;
                perform fire_reminder(reminder, account, moment);
                handled := handled + 1;
            end loop;
            update users set sync_seq = account.sync_seq where id = account.id;
            exit when handled >= p_limit;
        end loop;
    end loop;
    return handled;
end
$$;
revoke execute on function fire_reminders(bigint) from public;
grant execute on function fire_reminders(bigint) to spindle_agent;

-- Measures the messages of reminders.
--
-- Columns: channel; messages that are due and nobody has claimed; those that are being sent, or wait for another attempt or for the end of
-- quiet hours; those that failed within the last hour; how long the oldest that is due has waited, in seconds, 0 if none is due. Only the
-- first 100000 are looked at, so that many of them do not make this slow.
--
-- Security definer, because the role of the bridge may not read this table: its rows are users' data.
create or replace function measure_deliveries(
    out channel text, out due bigint, out later bigint, out failed bigint, out due_age double precision) returns setof record
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select name, waiting.due, waiting.later, recent.failed, coalesce(extract(epoch from moment - waiting.since), 0)::float8
    from unnest(array['email', 'push']) as channels (name),
    lateral (select now_for_reminders() as moment) as clock,
    lateral (
        select count(*) filter (where next_at <= moment) as due, count(*) filter (where next_at > moment) as later,
            min(next_at) filter (where next_at <= moment) as since
        from (
            select d.next_at from deliveries d where d.channel = name and d.next_at is not null order by d.next_at limit 100000) first
    ) as waiting,
    lateral (
        select count(*) as failed from deliveries d
        where d.status = 'failed' and d.channel = name and d.updated_at > moment - interval '1 hour'
    ) as recent
$$;

revoke execute on function measure_deliveries() from public;
grant execute on function measure_deliveries() to spindle_bridge;

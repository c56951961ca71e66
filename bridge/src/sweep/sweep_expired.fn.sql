-- Removes up to `most` expired rows of a table; returns how many.
--
--   idempotency_keys  24 hours after the request
--   refresh_tokens    once they are no longer valid, also if their user never signs in again
--   tasks             tombstones 30 days after the deletion, with their reminders: clients that were away for longer start anew
--   jobs              30 days after their end
--   deliveries        30 days after the reminder fired
--   notifications     90 days after they came
--   old_values, sync_operations   31 days after the change: until then, the cursor of a client that has missed it is good
--   conflicts         90 days after they arose
--   live_tickets      once they are no longer valid
--
-- Security definer, because the role of the bridge may not read these tables: their rows are users' data.
create or replace function sweep_expired(p_table text, most bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    moment constant timestamptz := clock_timestamp();
    removed bigint;
begin
    case p_table
        when 'idempotency_keys' then
            delete from idempotency_keys where ctid = any (array(
                select ctid from idempotency_keys where created_at < moment - interval '24 hours' limit most));
        when 'refresh_tokens' then
            delete from refresh_tokens where ctid = any (array(
                select ctid from refresh_tokens where expires_at < moment limit most));
        when 'tasks' then
            with gone as (
                delete from tasks where id = any (array(
                    select id from tasks where deleted_at < moment - interval '30 days' limit most))
                returning id
            ), silent as (
                delete from reminders where task_id in (select id from gone)
            )
            select count(*) into removed from gone;
            return removed;
        when 'old_values' then
            delete from old_values where ctid = any (array(
                select ctid from old_values where created_at < moment - interval '31 days' limit most));
        when 'sync_operations' then
            delete from sync_operations where ctid = any (array(
                select ctid from sync_operations where created_at < moment - interval '31 days' limit most));
        when 'conflicts' then
            delete from conflicts where ctid = any (array(
                select ctid from conflicts where created_at < moment - interval '90 days' limit most));
        when 'jobs' then
            delete from jobs where id = any (array(
                select id from jobs where ended and updated_at < moment - interval '30 days' limit most));
        when 'deliveries' then
            delete from deliveries where id = any (array(
                select id from deliveries where created_at < moment - interval '30 days' limit most));
        when 'notifications' then
            delete from notifications where id = any (array(
                select id from notifications where created_at < moment - interval '90 days' limit most));
        when 'live_tickets' then
            delete from live_tickets where hash = any (array(
                select hash from live_tickets where expires_at < moment limit most));
    end case;
    get diagnostics removed = row_count;
    return removed;
end
$$;

revoke execute on function sweep_expired(text, bigint) from public;
grant execute on function sweep_expired(text, bigint) to spindle_bridge;

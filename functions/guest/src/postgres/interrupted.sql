-- Whether the state of the server explains the error of a statement before this one: the server is read-only, which it also is in
-- recovery, or the statement ran as long as a time limit of its role allows.
--
-- $1  how long the statement ran, in milliseconds
--
-- interrupted  boolean
select current_setting('transaction_read_only')::boolean or exists (
    select
    from unnest(array['statement_timeout', 'lock_timeout']) as limits (name)
    where current_setting(name)::interval between interval '1 ms' and $1::bigint * interval '1 ms') as interrupted

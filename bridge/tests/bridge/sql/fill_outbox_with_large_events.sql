-- Puts events of many users into the outbox. Their text differs, so that it does not compress well.
-- $1 number of events, $2 bytes of each.
with noise as (
    select string_agg(md5(n::text), '') as text
    from generate_series(1, $2 / 16) n
)
insert into outbox (topic, user_id, event_id, event)
select 'task-events', md5((n % 500)::text)::uuid, id,
    '{"specversion":"1.0","id":"' || id || '","source":"/spindle/api","type":"task.updated","userid":"' || md5((n % 500)::text)::uuid
        || '","seq":' || n || ',"data":{"text":"' || substr(noise.text, (n * 31 % $2)::int, $2) || '"}}'
from noise, lateral (select n, gen_random_uuid() as id from generate_series(1, $1::bigint) n) events

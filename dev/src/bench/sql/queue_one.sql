-- Inserts an event into the outbox, and a row whose commit time tells when that happened.
-- $1 event id, $2 user id
with queued as (
    insert into bench_queued (event_id) values ($1) returning event_id
)
insert into outbox (topic, user_id, event_id, event)
select 'task-events', u.id, q.event_id, json_build_object(
    'specversion', '1.0', 'id', q.event_id, 'source', '/spindle/api', 'type', 'task.created', 'subject', q.event_id,
    'time', rfc3339(clock_timestamp()), 'datacontenttype', 'application/json', 'userid', u.id, 'seq', 1,
    'correlationid', q.event_id, 'causationid', null, 'traceparent', null,
    'data', json_build_object(
        'task', json_build_object('id', q.event_id, 'title', 'Water the plants', 'version', 1),
        'previous', '{}'::json,
        'actor', json_build_object('type', 'user', 'id', u.id)))::text
from queued q, (select id from users where id = $2) u

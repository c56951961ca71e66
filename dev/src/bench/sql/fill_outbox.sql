-- Inserts events into the outbox, for all users in turn. They have the shape and the size of a `task.created` event.
-- $1 number of events
-- The condition `n > 0` makes the subquery depend on the row, so each row gets new ids.
insert into outbox (topic, user_id, event_id, event)
select 'task-events', u.id, e.id, json_build_object(
    'specversion', '1.0', 'id', e.id, 'source', '/spindle/api', 'type', 'task.created', 'subject', e.task,
    'time', rfc3339(clock_timestamp()), 'datacontenttype', 'application/json', 'userid', u.id, 'seq', n,
    'correlationid', e.id, 'causationid', null, 'traceparent', null,
    'data', json_build_object(
        'task', json_build_object(
            'id', e.task, 'title', 'Water the plants ' || n, 'description', 'All of them, the small ones twice.',
            'status', 'open', 'priority', 'medium', 'tags', array['home', 'plants'], 'due', null, 'due_at', null,
            'version', 1, 'seq', n, 'created_at', rfc3339(clock_timestamp()), 'updated_at', rfc3339(clock_timestamp()),
            'completed_at', null),
        'previous', '{}'::json,
        'actor', json_build_object('type', 'user', 'id', u.id)))::text
from generate_series(1, $1::bigint) n
cross join lateral (select uuid_v7() as id, gen_random_uuid() as task where n > 0) e
join (select id, row_number() over (order by id) - 1 as place, count(*) over () as all_users from users) u
    on u.place = n % u.all_users
order by n

\set n random(1, 1000)
select status, version, location, body, replayed
from create_task(
    (select id from bench_users where n = :n), null, 'Water the plants', 'All of them, the small ones twice.', 'open', 'medium',
    array['home', 'plants'], null, null,
    '"correlationid": "c8f2", "causationid": null, "traceparent": null', '{"type": "user", "id": "bench"}', null, null);

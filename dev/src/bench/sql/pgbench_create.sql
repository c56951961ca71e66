\set n random(1, 1000)
call create_task(
    md5(:n::text)::uuid::text, null, 'Water the plants', 'All of them, the small ones twice.', 'open', 'medium',
    array['home', 'plants'], null, null, null, null,
    '"correlationid": "c8f2", "causationid": null, "traceparent": null', '{"type": "user", "id": "bench"}', null, null,
    array['write/' || md5(:n::text)::uuid::text, '1000000', '1', '1', '64', md5(:n::text)],
    null, null, null, null, null, null);

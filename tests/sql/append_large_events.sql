-- Appends 200 entries of 100 kB each to one user's trail. Their type is `large`, which requeue_trail.sql leaves out.
-- $1 user id
select audit_append('[' || string_agg(
    '{"id":"' || gen_random_uuid() || '","type":"large","time":"2026-03-01T09:00:00.000000Z","userid":"' || $1::uuid
    || '","subject":"' || $1::uuid || '","data":{"pad":"' || repeat('x', 100000) || '"}}', ',') || ']')
from generate_series(1, 200)

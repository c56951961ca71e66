-- Records 200 large events of one person ($1): more than a connection holds on its way. Of a type of their own, so that no
-- test which sends events again takes them for the road's.
select audit_append('[' || string_agg(
    '{"id":"' || gen_random_uuid() || '","type":"large","time":"2026-03-01T09:00:00.000000Z","userid":"' || $1::uuid
    || '","subject":"' || $1::uuid || '","data":{"pad":"' || repeat('x', 100000) || '"}}', ',') || ']')
from generate_series(1, 200)

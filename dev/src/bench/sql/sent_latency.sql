-- The time from which a reminder was due until it was recorded as sent.
-- Returns the median, the 99th percentile and the longest in seconds, and how many took more than one attempt.
select
    percentile_cont(0.5) within group (order by s),
    percentile_cont(0.99) within group (order by s),
    max(s),
    count(*) filter (where attempts > 1)
from (select attempts, extract(epoch from updated_at - fire_at)::float8 as s from deliveries where channel = 'email' and status = 'sent') sent

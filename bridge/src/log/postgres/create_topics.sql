-- Creates missing topics. Existing topics get the new retention and keep their number of partitions, because a change
-- of it would break the order of each user's events.
-- As arrays of equal length: $1 topics, $2 numbers of partitions, $3 retentions in seconds.
with wanted as (
    select *
    from unnest($1::text[], $2::int[], $3::bigint[]) as w (topic, partitions, kept_seconds)
), topics as (
    insert into log_topics (topic, partitions, retention)
    select topic, partitions, make_interval(secs => kept_seconds)
    from wanted
    on conflict (topic) do update set retention = excluded.retention
    returning topic, partitions
)
insert into log_heads (topic, partition)
select topic, generate_series(0, partitions - 1)
from topics
on conflict do nothing

-- `log_drain_batch` has taken their place. No release has called them.
drop function if exists log_drain(smallint[], int);
drop function if exists log_drain_from(smallint[], text[], bigint, int);

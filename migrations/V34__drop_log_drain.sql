-- `log_drain_from` has taken its place. No release has called it.
drop function if exists log_drain(smallint[], int);

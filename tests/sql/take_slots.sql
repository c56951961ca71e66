-- Takes slots of a caller until the session releases them, see `take_slot`.
--
-- $1  the caller
-- $2  number of slots (integer)
select pg_advisory_lock(hashtextextended($1, slot)) from generate_series(1, $2) as slot

-- Takes a lease for this session if it is free.
-- $1 name of the lease.
-- Result: true if the session holds it now.
select pg_try_advisory_lock(hashtext('spindle-lease'), hashtext($1))

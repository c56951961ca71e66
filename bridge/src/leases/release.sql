-- Releases a lease of this session.
-- $1 name of the lease.
-- Result: true if the session held it.
select pg_advisory_unlock(hashtext('spindle-lease'), hashtext($1))

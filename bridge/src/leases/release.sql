select pg_advisory_unlock(hashtext('spindle-lease'), hashtext($1))

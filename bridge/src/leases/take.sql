select pg_try_advisory_lock(hashtext('spindle-lease'), hashtext($1))

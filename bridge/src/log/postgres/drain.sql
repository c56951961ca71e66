select log_drain($1, $2)

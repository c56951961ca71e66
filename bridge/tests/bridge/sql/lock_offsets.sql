-- Makes commits of offsets wait until the transaction ends.
lock table log_offsets in exclusive mode

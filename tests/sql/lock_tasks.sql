-- Locks all tasks until the transaction ends.
lock table tasks

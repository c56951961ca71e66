-- Moves the consumer group `audit` back to the first task event of every partition.
update log_offsets set "offset" = 0 where group_name = 'audit' and topic = 'task-events'

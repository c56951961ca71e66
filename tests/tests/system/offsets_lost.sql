-- Takes the group back to the beginning of every partition.
update log_offsets set "offset" = 0 where group_name = 'audit' and topic = 'task-events'

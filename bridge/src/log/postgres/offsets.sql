-- Reads the committed offsets of a group.
-- $1 group.
-- Result: topic, partition, offset of the next record to settle.
select topic, partition, "offset"
from log_offsets
where group_name = $1

select topic, partition, "offset"
from log_offsets
where group_name = $1

select topic, partition, "offset", user_id, event_id, event, headers, appended_at
from log_records
where topic = $1 and (partition, "offset") > ($2, $3)
order by partition, "offset"
limit $4

-- Reads one page of a topic, in order of partition and offset.
-- $1 topic, $2 and $3 partition and offset of the last record of the page before (-1 and -1 for the first page), $4
-- page size.
-- Result: as fetch.sql.
select topic, partition, "offset", user_id, event_id, event, headers, appended_at
from log_records
where topic = $1 and (partition, "offset") > ($2, $3)
order by partition, "offset"
limit $4

-- Lists outbox rows in quarantine, oldest first.
-- Result: outbox id, event id, topic, user id, time of the quarantine (RFC 3339), reason, size of the event in bytes.
select id, event_id, topic, user_id, rfc3339(quarantined_at), reason, octet_length(event)
from outbox_quarantine
order by id

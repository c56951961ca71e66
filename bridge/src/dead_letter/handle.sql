with handled as (
    insert into dead_letters_handled (topic, partition, "offset", event_id, group_name, action, actor)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict do nothing
    returning event_id
)
insert into outbox (topic, user_id, event_id, event)
select 'account-events', $8::uuid, $9::uuid, $10
from handled

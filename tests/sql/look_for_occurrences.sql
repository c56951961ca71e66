-- Makes the series of a user due for the agent's next look, for which it would otherwise wait a minute.
-- $1 id of the user
update series set next_at = clock_timestamp() where user_id = $1 and next_at is not null

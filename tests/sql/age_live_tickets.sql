-- Lets the tickets of a user expire. Parameter: user id
update live_tickets set expires_at = clock_timestamp() - interval '1 millisecond' where user_id = $1

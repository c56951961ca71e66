-- Ends the time for which quiet hours hold messages back.
update deliveries set next_at = clock_timestamp() where next_at > clock_timestamp() + interval '30 minutes'

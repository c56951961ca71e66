-- Lets messages that were claimed by a process which is gone be claimed again at once.
update deliveries set next_at = clock_timestamp() where status = 'pending' and attempts > 0 and next_at > clock_timestamp() + interval '1 minute'

-- Columns: the plan and the buffers of a look for reminders and messages that are due, as JSON.
explain (analyze, buffers, format json)
    select fire_reminders(500), claim_deliveries('email', 32), claim_deliveries('push', 32)

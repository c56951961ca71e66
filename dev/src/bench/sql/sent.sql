-- Returns the number of reminders that were sent by email.
select count(*) from deliveries where channel = 'email' and status = 'sent'

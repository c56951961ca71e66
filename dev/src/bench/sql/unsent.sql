-- Returns an error of a reminder by email that was not sent, null if there is none.
select max(error) from deliveries where channel = 'email' and status <> 'sent'

-- Does what an agent does before it sends mails.
-- Columns: the messages as JSON.
select claim_deliveries('email', 1000)

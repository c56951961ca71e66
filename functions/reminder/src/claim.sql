-- Claims messages that are to be sent.
-- $1 channel, $2 the most messages.
-- Columns: the messages as JSON, see `claim_deliveries`.
select claim_deliveries($1, $2)

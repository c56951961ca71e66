-- Redeems a ticket for a live connection.
-- $1 hash of the ticket (bytea), $2 the header `Origin` or null, $3 whether the page has the gateway's own origin.
-- Columns: outcome, user id, the user's number, stamp, seconds; see `redeem_live_ticket`. All but the first are null unless it is redeemed.
select outcome, owner, last, stamp, seconds from redeem_live_ticket($1, $2, $3)

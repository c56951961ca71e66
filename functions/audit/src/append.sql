-- $1: a JSON array of CloudEvents, as text; gives a JSON array of one result per event.
select audit_append($1::text)

-- Counts the series of a user that their rules have ended.
-- $1 id of the user
-- Columns: their number (bigint)
select count(*) from series where user_id = $1 and ended_by = 'rule'

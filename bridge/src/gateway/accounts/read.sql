-- What the live connections of users depend on.
-- $1 user ids.
-- Columns: user id, stamp, the user's number; see `live_users`.
select id, stamp, last from live_users($1)

-- Emits an event about a wrong password.
-- $1 user id, null for an unknown account, $2 context of the events, $3 hashing slot to release.
-- Columns: an empty text.
select login_failed($1::text::uuid, $2::text, $3::text::uuid)::text

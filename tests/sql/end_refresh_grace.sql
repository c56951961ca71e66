-- Backdates the replacement of one user's refresh tokens by an hour, so that the grace period of each is over.
-- $1 user id
update refresh_tokens set replaced_at = replaced_at - interval '1 hour' where user_id = $1 and replaced_at is not null

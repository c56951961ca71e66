-- Makes every replaced refresh token of one person look replaced an hour ago.
update refresh_tokens set replaced_at = replaced_at - interval '1 hour' where user_id = $1 and replaced_at is not null

-- Makes every used refresh token of one person look used an hour ago.
update refresh_tokens set used_at = used_at - interval '1 hour' where user_id = $1 and used_at is not null

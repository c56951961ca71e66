select login_failed($1::text::uuid, $2::text)::text

select login_failed($1::text::uuid, $2::text, $3::text::uuid)::text

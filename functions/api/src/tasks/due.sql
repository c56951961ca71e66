select version, due::text from tasks where id = $2::text::uuid and user_id = $1::text::uuid and deleted_at is null

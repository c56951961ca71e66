select rate, gone from delete_account($1::text::uuid, $2::text, $3::text, $4)

select version, body, rate from get_task($1::text::uuid, $2::text::uuid, $3)

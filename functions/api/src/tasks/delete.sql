select status, version, rate from delete_task($1::text::uuid, $2::text::uuid, $3::text::bigint[], $4::text, $5::text, $6)

select status, tasks, merged, rate from rename_tag($1::text::uuid, $2::text, $3::text, $4::text, $5::text, $6)

select status, tasks, merged from rename_tag($1::text::uuid, $2::text, $3::text, $4::text, $5::text)

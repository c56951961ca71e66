select status, version, body, replayed, rate
from restore_task($1::text::uuid, $2::text::uuid, $3::text::bigint[], $4::text, $5::text, $6::text, $7::text, $8)

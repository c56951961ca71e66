select status, version, body, replayed, rate
from update_task(
    $1::text::uuid, $2::text::uuid, $3::text::bigint[], $4::text, $5::text, $6::text, $7::text, $8::text[],
    $9::boolean, $10::text::json, $11::text::timestamptz, $12::boolean, $13::text, $14::text, $15::text, $16::text, $17)

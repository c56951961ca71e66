select status, version, location, body, replayed
from create_task(
    $1::text::uuid, $2::text::uuid, $3::text, $4::text, $5::text, $6::text, $7::text[],
    $8::text::json, $9::text::timestamptz, $10::text, $11::text, $12::text, $13::text)

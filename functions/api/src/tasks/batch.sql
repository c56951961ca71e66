select status, body, replayed, rate
from batch_tasks(
    $1::text::uuid, $2::text::json, $3::boolean, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11)

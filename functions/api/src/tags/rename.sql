-- Renames a tag.
-- $1 user id, $2 the tag, $3 its new name, $4 context of the events, $5 actor as JSON, $6 rate limit to charge.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate
from rename_tag($1::text::uuid, $2::text, $3::text, $4::text, $5::text, $6)

-- Releases a hashing slot.
-- $1 the slot.
-- Columns: an empty text.
select free_slot($1::text::uuid)::text

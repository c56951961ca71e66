-- Renames a tag.
-- $1 user id, $2 the tag, $3 its new name, $4 context of the events, $5 actor as JSON, $6 see `admit`.
-- Columns: those of `write_result`.
call rename_tag($1, $2, $3, $4, $5, $6, null, null, null, null, null, null)

-- Verifies a part of the hash chain of a user.
-- $1 user id, $2 number of the first entry or null, $3 maximum number of entries, $4 see `admit`.
-- Columns: the verdict as JSON, see `verify_trail`; `rate` of `admit`.
call verify_trail($1, $2, $3, $4, null, null)

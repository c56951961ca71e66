-- Verifies the hash chain of a user.
-- $1 user id, $2 see `admit`.
-- Columns: the verdict as JSON, see `verify_trail`; `rate` of `admit`.
call verify_trail($1, $2, null, null)

-- Reads a job of a user.
-- $1 user id, $2 job id, $3 see `admit`.
-- Columns: job as JSON (null if there is no such job), `rate` of `admit`.
call read_job($1, $2, $3, null, null)

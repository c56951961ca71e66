-- Whoever deletes an account is gone from here; the audit trail keeps what happened, under an id that names nobody.
grant delete on users to spindle_api;

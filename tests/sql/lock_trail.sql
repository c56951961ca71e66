-- Begins a transaction in which nobody else can append to the audit trail. `rollback` ends it.
begin;
lock table audit_logs in share row exclusive mode;

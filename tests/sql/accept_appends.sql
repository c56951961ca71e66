-- Ends what refuse_appends.sql began.
drop trigger refuse_append on audit_logs;
drop function refuse_append();

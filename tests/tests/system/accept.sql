-- The repair.
alter table audit_logs drop constraint if exists refused_for_a_test

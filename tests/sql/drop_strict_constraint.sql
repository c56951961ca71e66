-- Undoes add_strict_constraint.sql.
alter table audit_logs drop constraint if exists rejected_for_a_test

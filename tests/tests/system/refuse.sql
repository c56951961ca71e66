-- A rule that is too strict, as somebody who means well might add it.
alter table audit_logs add constraint refused_for_a_test check (correlation_id <> 'refused-for-a-test') not valid

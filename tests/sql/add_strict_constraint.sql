-- Makes the audit trail reject entries with one correlation id, like a constraint that an operator added by mistake.
alter table audit_logs add constraint rejected_for_a_test check (correlation_id <> 'rejected-for-a-test') not valid

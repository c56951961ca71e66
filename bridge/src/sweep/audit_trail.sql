-- Creates the audit trail's coming partitions and drops expired ones; see the function.
select audit_maintain()

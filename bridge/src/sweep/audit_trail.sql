select audit_maintain()

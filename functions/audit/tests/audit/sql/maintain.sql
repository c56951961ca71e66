-- Maintains the partitions as the bridge does.
-- Columns: report as JSON.
select audit_maintain()

-- Maintains the partitions with a retention of 90 days.
-- $1 current time, as text.
-- Columns: report as JSON.
select audit_maintain_at($1::text::timestamptz, interval '90 days')

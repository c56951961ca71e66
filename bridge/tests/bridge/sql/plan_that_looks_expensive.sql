-- Runs a statement and shows its plan. The plan looks expensive in a session that forbids sequential scans. If Postgres compiled the
-- statement, the plan says so.
-- Columns: a line of the plan.
explain (analyze) select from outbox_quarantine where reason like 'none'

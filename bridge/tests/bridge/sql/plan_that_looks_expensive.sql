-- Runs a statement. Its plan looks expensive to a session without sequential scans, and says whether Postgres compiled it.
-- Columns: a line of the plan.
explain (analyze) select from outbox_quarantine where reason like 'none'

-- Runs a statement whose plan looks expensive where sequential scans are off. The plan tells whether Postgres compiled it.
-- Columns: a line of the plan.
explain (analyze) select from outbox_quarantine where reason like 'none'

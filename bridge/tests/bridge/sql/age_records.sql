-- Makes every record of the log a year old.
update log_records
set appended_at = appended_at - interval '1 year'

-- Returns the day before today in UTC, as text.
select ((now() at time zone 'UTC')::date - 1)::text

-- The abbreviations that Postgres takes for a fixed offset where a timezone is expected.
-- Columns: the abbreviation in upper case.
select abbrev from pg_timezone_abbrevs

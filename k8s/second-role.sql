-- Creates a second login with the rights and settings of a role, for the time in which the role's password changes. Run it as the owner:
--   psql "$OWNER_URL" --set role=spindle_api --set password=… --file k8s/second-role.sql
-- When nobody uses the login any more: drop role spindle_api_second. It owns nothing.
\set second :role _second
select format('create role %I login password %L in role %I', :'second', :'password', :'role') \gexec
select format('alter role %I in database %I set %I to %L', :'second', current_database(), split_part(line, '=', 1), split_part(line, '=', 2))
from pg_db_role_setting, unnest(setconfig) as line
where setrole = to_regrole(:'role') and setdatabase = (select oid from pg_database where datname = current_database())
\gexec

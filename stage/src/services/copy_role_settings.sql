-- Copies the settings that roles have in one database to another, since `create database … template` copies none of them.
-- $1 name of the database to copy from
-- $2 name of the database to copy to
insert into pg_db_role_setting (setdatabase, setrole, setconfig)
select target.oid, s.setrole, s.setconfig
from pg_db_role_setting s
join pg_database source on source.oid = s.setdatabase
join pg_database target on target.datname = $2::text
where source.datname = $1::text

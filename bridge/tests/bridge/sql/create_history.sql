-- Creates the table in which the migrations are recorded.
create table refinery_schema_history (version int4 primary key, name varchar(255), applied_on varchar(255), checksum varchar(255))

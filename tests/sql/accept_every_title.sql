-- Removes the constraint of refuse_a_title.sql.
alter table tasks drop constraint no_broken_title

-- Makes statements fail that store a task with the title "broken".
alter table tasks add constraint no_broken_title check (title <> 'broken') not valid

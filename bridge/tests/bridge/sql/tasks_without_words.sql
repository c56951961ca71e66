-- Result: the number of tasks that searches or filters do not find.
select count(*) from tasks where words is null or search = '' or tag_keys <> '{old}'

-- Drops the first index of the list, and leaves the second one as an interrupted CREATE INDEX CONCURRENTLY does.
do $$
begin
    drop index tasks_deleted;
    update pg_index set indisvalid = false where indexrelid = 'tasks_tombstones'::regclass;
end
$$

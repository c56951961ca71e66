-- Leaves one index as an interrupted CREATE INDEX CONCURRENTLY does, and drops another.
do $$
begin
    update pg_index set indisvalid = false where indexrelid = 'tasks_deleted'::regclass;
    drop index tasks_tombstones;
end
$$

-- Titles are listed as people sort them: case and accents count only between words that are equal otherwise, and numbers are ordered by
-- their values. The order of bytes puts `Zebra` before `apple`, and `task 10` before `task 2`.
--
-- The old index stays for the API of the release before; a later migration drops it. Creating an index blocks writes. For a large
-- table, create the collation and the index by hand before the upgrade, with `create index concurrently`.
create collation if not exists title_order (provider = icu, locale = 'und-u-kn-true');
create index if not exists tasks_title_order on tasks (user_id, title collate title_order, id) where deleted_at is null;

-- Drops an index that no statement uses: titles are sorted by the rules of languages (V40), which another index serves.
drop index if exists tasks_title;

-- Searches verify their matches on the words of a task: phrases inside of one field, long fragments, exclusions. The words are stored
-- next to the lexemes. The functions that set both columns are loaded after the migrations (`set_task_words`), and then
-- `bridge migrate` sets them for the existing rows, in chunks. Until then, the old programs find these rows as before.
alter table tasks add column words text;

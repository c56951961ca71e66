-- Sets `tasks.words` and `tasks.search` before a task is inserted, or before its title, description or tags change (triggers
-- `words_of_new` and `words_of_changed`). It is a trigger and not a generated column, because Postgres parses the expression of a
-- generated column in every statement that inserts, while the plan of a trigger function is cached in the session.
create or replace function set_task_words() returns trigger
language plpgsql as $$
begin
    new.words := task_words(new.title, new.description, new.tags);
    new.search := task_lexemes(new.user_id, new.words);
    return new;
end
$$;

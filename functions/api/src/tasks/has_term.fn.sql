-- Whether the words of a task (`tasks.words`) contain a term of a search in the form that `compile_search` gives it. A term that does
-- not begin with a space may begin inside of a word, if that is in the first 5,000 characters (see `task_lexemes`).
--
-- The function is a single SQL expression without `strict`, so Postgres inlines it.
create or replace function has_term(words text, term text) returns boolean
language sql immutable parallel safe as $$
    select strpos(words, term) > 0
        and (left(term, 1) = ' ' or strpos(words, term) <= 5000 or strpos(words, ' ' || term) > 0)
$$;

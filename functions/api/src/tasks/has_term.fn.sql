-- Whether the words of a task (`tasks.words`) contain a term of a search in the form that `compile_search` gives it. A term that does
-- not begin with a space may begin inside of a word, if that is in the first 5,000 characters (see `task_lexemes`).
--
-- The function is a single SQL expression without `strict`, so Postgres inlines it. Words contain no character that has a meaning for
-- LIKE. The collation "C" compares bytes, which is twice as fast as `strpos`, because that counts characters.
create or replace function has_term(words text, term text) returns boolean
language sql immutable parallel safe as $$
    select words collate "C" like '%' || term || '%'
        and (left(term, 1) = ' ' or octet_length(words) <= 5000 or strpos(words, term) <= 5000
            or words collate "C" like '% ' || term || '%')
$$;

-- Whether the words of a task (`tasks.words`) contain a term of a search in the form that `compile_search` gives it. A term that does
-- not begin with a space may begin inside of a word, if that is in the first 5,000 characters (see `task_lexemes`).
--
-- The function is a single SQL expression without `strict`, so Postgres inlines it, and a constant term leaves one of the two branches.
-- Words contain no character that has a meaning for LIKE. The collation "C" makes both compare bytes. LIKE is faster for a term that
-- begins with a letter, and `strpos` for one that begins with a space.
create or replace function has_term(words text, term text) returns boolean
language sql immutable parallel safe as $$
    select case
        when left(term, 1) = ' ' then strpos(words collate "C", term) > 0
        else words collate "C" like '%' || term || '%'
            and (octet_length(words) <= 5000 or strpos(words, term) <= 5000 or strpos(words collate "C", ' ' || term) > 0)
    end
$$;

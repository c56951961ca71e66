-- Compiles the terms of a search into SQL.
--
-- p_user   the user who searches
-- p_terms  terms from `search.rs`. Each is a text after its kind: `+` for a word, `*` for the last word, which may be unfinished,
--          and `"` for a phrase. A `-` before the kind excludes the term. The term `|` separates alternatives
--
-- condition  an expression over `words` that is true for the tasks that match; `false` if no term has a word
-- rank       an expression over `words` for the relevance of a task that matches: 0 if no task can match better, else less
-- lexemes    finds the tasks that can match, in the index on `tasks.search`; null if only excluded terms decide
--
-- A term may consist of several words, such as `many-dev`. If its first word has three characters or more, it may begin inside of a
-- word; if its last word has, it may end inside of a word. A shorter last word may end inside of a word if it is the last one of the
-- query. A phrase consists of whole words. `words` leaves no character that has a meaning in a tsquery.
create or replace function compile_search(
    p_user uuid, p_terms text[], out condition text, out rank text, out lexemes tsquery)
language plpgsql immutable parallel safe as $$
declare
    owner constant text := right(p_user::text, 4);
    -- More terms would make ranking slow and hardly change it.
    ranked_terms constant integer := 16;
    -- Of one term, see `term_rank`.
    best_rank constant integer := 16;
    term text;
    kind text;
    text_words text[];
    last integer;
    begins_inside boolean;
    ends_inside boolean;
    pattern text;
    lexeme text;
    needed text[];
    -- Of the current alternative, and of all.
    conditions text[] := '{}';
    lookups text[] := '{}';
    alternatives text[] := '{}';
    all_lookups text[] := '{}';
    ranks text[] := '{}';
    in_index boolean := true;
begin
    foreach term in array p_terms || '|'::text loop
        if term = '|' then
            if conditions <> '{}' then
                alternatives := alternatives || ('(' || array_to_string(conditions, ' and ') || ')');
                all_lookups := all_lookups || ('(' || array_to_string(lookups, ' & ') || ')');
                in_index := in_index and lookups <> '{}';
            end if;
            conditions := '{}';
            lookups := '{}';
            continue;
        end if;
        kind := substring(term from '^-?[+*"]');
        text_words := string_to_array(trim(words(substr(term, length(kind) + 1))), ' ');
        last := cardinality(text_words);
        continue when last = 0;
        begins_inside := kind not like '%"' and length(text_words[1]) > 2;
        ends_inside := kind not like '%"' and (length(text_words[last]) > 2 or kind = '*');
        pattern := case when begins_inside then '' else ' ' end || array_to_string(text_words, ' ')
            || case when ends_inside then '' else ' ' end;
        if kind like '-%' then
            conditions := conditions || format('not has_term(words, %L)', pattern);
            continue;
        end if;
        conditions := conditions || format('has_term(words, %L)', pattern);
        if cardinality(ranks) < ranked_terms then
            ranks := ranks || format('term_rank(words, %L)', trim(pattern));
        end if;
        needed := '{}';
        for place in 1 .. last loop
            lexeme := format('%s%s''%s', owner, left(text_words[place], 20), case when place = last and ends_inside then ':*' end);
            needed := needed || case
                when place = 1 and begins_inside then format('(''w%s | ''i%s)', lexeme, lexeme)
                else '''w' || lexeme
            end;
        end loop;
        lookups := lookups || array_to_string(needed, ' & ');
    end loop;
    condition := case when alternatives = '{}' then 'false' else '(' || array_to_string(alternatives, ' or ') || ')' end;
    rank := case when ranks = '{}' then '0' else array_to_string(ranks, ' + ') || ' - ' || best_rank * cardinality(ranks) end;
    lexemes := case when in_index and all_lookups <> '{}' then array_to_string(all_lookups, ' | ')::tsquery end;
end
$$;

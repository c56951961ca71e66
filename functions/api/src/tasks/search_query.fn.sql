-- Returns the tsquery for a search of a user; null if no term has a letter or a digit.
--
-- `terms` come from `search.rs`. Each term is a text after its kind: `+` for a word, `*` for the last word, which may be
-- unfinished, and `"` for a phrase. A `-` before the kind excludes the term. The term `|` separates alternatives. `words` splits
-- the text as it splits tasks, and removes every character that has a meaning in a tsquery.
--
-- A word of three characters or more matches words that contain it. A shorter word matches whole words, and as the last word also
-- beginnings of words. With `exactly`, only whole words match and exclusions are ignored. `search.sql` uses that to rank whole
-- words first.
create or replace function search_query(user_id uuid, terms text[], exactly boolean) returns tsquery
language plpgsql immutable strict parallel safe as $$
declare
    owner constant text := words_of(user_id);
    term text;
    kind text;
    word text;
    part tsquery;
    alternative tsquery;
    whole tsquery;
begin
    foreach term in array terms loop
        if term = '|' then
            whole := coalesce(whole || alternative, whole, alternative);
            alternative := null;
            continue;
        end if;
        kind := substring(term from '^-?[+*"]');
        part := phraseto_tsquery('simple', words(substr(term, length(kind) + 1), owner));
        continue when numnode(part) = 0 or (exactly and kind like '-%');
        if not exactly and kind not like '%"' then
            -- If one word is left, it is this one. Words of more than 2,046 bytes, which folding can produce, are not.
            word := trim(both '''' from part::text);
            if numnode(part) = 1 and length(word) > 7 then
                part := format('%s:* | i%s:*', word, substr(word, 2, 24))::tsquery;
            elsif kind = '*' then
                part := (part::text || ':*')::tsquery;
            end if;
        end if;
        if kind like '-%' then
            part := !!part;
        end if;
        alternative := coalesce(alternative && part, part);
    end loop;
    return coalesce(whole || alternative, whole, alternative);
end
$$;

-- What a user searches for, as Postgres looks for it; null where no term holds a letter or digit. Each term is text with its kind
-- before it, as `search.rs` reads them from what was typed: `+` a word, `*` the last one, which may be unfinished, `"` a phrase to
-- be taken exactly; `-` before those excludes; the term `|` parts alternatives. Text becomes words by the function that made the
-- tasks' words, and what is left of it has no sign that a tsquery could take for its own.
--
-- A word of three letters or more is found where a word begins with it or contains it, a shorter one where it is all of a word,
-- or its beginning if it was typed last. `exactly` asks for whole words alone, to rank those before the others.
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
        word := trim(words(substr(term, length(kind) + 1), owner));
        part := phraseto_tsquery('simple', word);
        continue when numnode(part) = 0 or (exactly and kind like '-%');
        if not exactly and kind not like '%"' then
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

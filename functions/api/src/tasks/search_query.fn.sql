-- What somebody searches for, as Postgres looks for it; null where no term holds a letter or digit. Each term is text with its
-- kind before it, as `search.rs` reads them from what was typed: `+` a word, `*` the last one, which may be unfinished, `"` a
-- phrase to be taken exactly; `-` before those excludes; the term `|` parts alternatives. Text is folded by the functions that
-- folded the tasks, and what is left of it has no sign that a tsquery could take for its own.
--
-- A word of three letters or more is found where a word begins with it or contains it, a shorter one where it is all of a word,
-- or its beginning if it was typed last. `exactly` asks for whole words alone, to rank those before the others.
create or replace function search_query(terms text[], exactly boolean) returns tsquery
language plpgsql immutable strict parallel safe as $$
declare
    term text;
    kind text;
    lexemes tsvector;
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
        lexemes := to_tsvector('simple', words(substr(term, length(kind) + 1)));
        continue when length(lexemes) = 0 or (exactly and kind like '-%');
        part := phraseto_tsquery('simple', words(substr(term, length(kind) + 1)));
        if not exactly and kind not like '%"' then
            term := (tsvector_to_array(lexemes))[1];
            if numnode(part) = 1 and length(term) > 2 then
                part := format('''%s'':* | ''~%s'':*', term, left(term, 20))::tsquery;
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

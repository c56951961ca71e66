-- Returns the value of `tasks.search`, the lexemes by which the search index finds a task. Each begins with `w` or `i` and the last
-- four digits of the user's id, so a search reads index entries of that user's tasks, and its cost does not grow with the tasks of
-- other users. Users with equal digits share entries; the condition on `user_id` in each query keeps their tasks apart.
--
-- `w` marks a word, `i` a shorter ending of it, down to three characters. A word contains a text if one of its endings begins with
-- that text, which is a prefix search. All are cut after 20 characters. So the index finds a few tasks too many, and every search
-- verifies with `has_term` what it found.
--
-- Endings are taken from the first 5,000 characters, which bounds the cost of a write. `has_term` has the same bound.
--
-- Trigrams would need four times as many index entries, which makes writes slower.
create or replace function task_lexemes(user_id uuid, words text) returns tsvector
language plpgsql immutable strict parallel safe as $$
declare
    owner constant text := right(user_id::text, 4);
    -- The word at the boundary must be whole.
    head constant text := case
        when length(words) > 5000 then left(words, 5000 + strpos(substr(words, 5001), ' ')) else words
    end;
    lexemes text[] := '{}';
    word text;
    last_start integer;
    part text;
begin
    foreach word in array string_to_array(trim(head), ' ') loop
        lexemes := lexemes || ('w' || owner || left(word, 20));
        -- `substr` counts characters from the start of a text, so the endings of a long word are taken from parts of it.
        last_start := least(length(word) - 2, 5000);
        for before in 0 .. last_start - 1 by 100 loop
            part := substr(word, before + 1, 120);
            for start in greatest(1, 2 - before) .. least(100, last_start - before) loop
                lexemes := lexemes || ('i' || owner || substr(part, start, 20));
            end loop;
        end loop;
    end loop;
    if length(words) > length(head) then
        foreach word in array string_to_array(trim(substr(words, length(head) + 1)), ' ') loop
            lexemes := lexemes || ('w' || owner || left(word, 20));
        end loop;
    end if;
    return array_to_tsvector(lexemes);
end
$$;

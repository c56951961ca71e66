-- Returns the lexemes that make parts of words findable: for each word, its shorter endings down to three characters, each cut
-- after 20 characters. A word contains a text if one of its endings begins with that text, which is a prefix search. The
-- lexemes in `words` have the owner's prefix (see `words_of`). The result has `i` instead of `w` in the prefix, so that a part is
-- not taken for a word.
--
-- Trigrams would need four times as many index entries, which makes writes slower. They would also match words that do not
-- contain the text, so tasks would have to be read again.
create or replace function infixes(words tsvector) returns tsvector
language plpgsql immutable strict parallel safe as $$
declare
    word text;
    endings text[] := '{}';
begin
    foreach word in array tsvector_to_array(words) loop
        -- Characters 1 to 5 are the prefix. The ending from character 6 is the word itself, which has a lexeme already.
        for start in 7 .. length(word) - 2 loop
            endings := endings || ('i' || substr(word, 2, 4) || substr(word, start, 20));
        end loop;
    end loop;
    return array_to_tsvector(endings);
end
$$;

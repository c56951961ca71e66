-- Folds text, so that search ignores case, accents, and compatibility forms such as full-width letters. `highlight.rs` folds in
-- the same way; both pass the vectors in `search/fold_vectors.json`.
--
-- The extension unaccent is not used, because it reads a dictionary file and is therefore not immutable.
--
-- `tasks.search` stores words of folded text. If the result of this function changes, a migration must recompute that column
-- (migrations/README.md). The parameter is called `given` because `create or replace` cannot rename a parameter.
create or replace function fold(given text) returns text
language plpgsql immutable strict parallel safe as $$
begin
    -- ASCII needs no normalisation.
    if octet_length(given) = length(given) then
        return lower(given);
    end if;
    -- NFKD separates letters from their accents, which are U+0300 to U+036F. NFC composes what is left, for example Korean
    -- syllables. The last steps replace letters that do not decompose.
    return replace(replace(replace(replace(
        translate(
            lower(normalize(regexp_replace(normalize(given, nfkd), '[\u0300-\u036f]', '', 'g'), nfc)),
            'øłđðħıς', 'olddhiσ'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
end
$$;

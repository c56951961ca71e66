-- Folds text, so that search ignores case, accents, vowel signs of Hebrew and Arabic, characters that nobody sees, and compatibility
-- forms such as full-width letters. `domain/src/words.rs` folds in the same way; a test compares the two for all characters.
--
-- The extension unaccent is not used, because it reads a dictionary file and is therefore not immutable.
--
-- `tasks.words` stores words of folded text. If the result of this function changes, that column must be computed again
-- (migrations/README.md). The parameter is called `given` because `create or replace` cannot rename a parameter.
create or replace function fold(given text) returns text
language plpgsql immutable strict parallel safe as $$
begin
    -- ASCII needs no normalisation.
    if octet_length(given) = length(given) then
        return lower(given);
    end if;
    -- NFKD separates letters from their marks. NFC composes what is left, for example Korean syllables and Japanese letters with a
    -- voiced mark. The last steps replace letters that do not decompose: variants of Arabic letters, Arabic digits, ligatures.
    return replace(replace(replace(replace(
        translate(
            lower(normalize(regexp_replace(normalize(given, nfkd),
                -- Accents, vowel signs of Hebrew and Arabic, tatweel (U+0640), and marks around symbols.
                '[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670'
                '\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f'
                -- Characters that nobody sees: soft hyphens, zero-width spaces and joiners, directions, variants and skin tones.
                '\u00ad\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff'
                '\U000e0000-\U000e0fff]',
                '', 'g'), nfc)),
            'øłđðħıςٱىیکةەہھ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹',
            'olddhiσاييكهههه01234567890123456789'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
end
$$;

-- Returns the words of a text that search finds, folded (see `fold`), with one space before, between and after them: ' a b '. The
-- result is one space if there are none. `domain/src/words.rs` splits in the same way; a test compares the two.
--
-- - Each character of a script that does not separate words by spaces (Thai, Lao, Burmese, Khmer, Chinese, Japanese), each Korean
--   syllable, and each symbol or emoji is a word.
-- - Other characters that are neither spaces nor punctuation make up words.
-- - Some names contain punctuation: `c++`, `c#`, `.net`. A plus sign or number sign belongs to the Latin letter or digit before it,
--   unless one follows. Two plus signs belong to it in any case. A dot belongs to the Latin letter after it, if it is the first
--   character of a word.
--
-- U+001C to U+001E are kept, because `task_words` marks the ends of fields with them.
create or replace function words(given text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    folded text := fold(given);
begin
    if octet_length(folded) > length(folded) then
        folded := regexp_replace(folded,
            '([\u00a2-\u00a6\u00a9\u00ac\u00ae\u00b0\u00b1\u00d7\u00f7\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u20a0-\u20cf\u2100-\u214f'
            '\u2190-\u2bff\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3190-\u9fff\uac00-\ud7af\uf900-\ufaff'
            '\U0001f000-\U0001fbff\U00020000-\U0003ffff])',
            ' \1 ', 'g');
    end if;
    -- U+0001 to U+0003 stand for punctuation that belongs to a word.
    if strpos(folded, '+') > 0 then
        folded := regexp_replace(folded, '([a-z0-9])\+\+', E'\\1\x02\x02', 'g');
        folded := regexp_replace(folded, '([a-z0-9])\+(?![a-z0-9+])', E'\\1\x02', 'g');
    end if;
    if strpos(folded, '#') > 0 then
        folded := regexp_replace(folded, '([a-z0-9])#(?![a-z0-9#])', E'\\1\x03', 'g');
    end if;
    if folded ~ '(^|[ \t\n\r"''(,/:;<=[{|\x1c-\x1e])\.[a-z]' then
        folded := regexp_replace(folded, '(^|[ \t\n\r"''(,/:;<=[{|\x1c-\x1e])\.(?=[a-z])', E'\\1\x01', 'g');
    end if;
    if octet_length(folded) = length(folded) then
        folded := regexp_replace(folded, '[^a-z0-9\x01-\x03\x1c-\x1e]+', ' ', 'g');
    else
        -- Spaces, control characters and punctuation of all scripts.
        folded := regexp_replace(folded,
            '[\x04-\x1b\x1f-/:-@[-`{-\u00a1\u00a7\u00a8\u00ab\u00af\u00b4\u00b6-\u00b8\u00bb\u00bf\u02b9-\u02df\u02e5-\u02ff\u0375\u0384'
            '\u0385\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u0605\u0609\u060a\u060c\u060d\u061b\u061d-\u061f'
            '\u066a-\u066d\u06d4\u06dd\u0700-\u070d\u0964\u0965\u0970\u0df4\u0e4f\u0e5a\u0e5b\u0f04-\u0f14\u0f3a-\u0f3d\u104a-\u104f'
            '\u10fb\u1360-\u1368\u1400\u1680\u16eb-\u16ed\u17d4-\u17da\u1800-\u180a\u2000-\u206f\u2800\u2e00-\u2e7f\u3000-\u3004'
            '\u3008-\u3020\u3030\u3036\u3037\u303d-\u303f\u30a0\u30fb\ua4fe\ua4ff\ud800-\uf8ff\ufd3e\ufd3f\ufe10-\ufe6f\ufff0-\uffff'
            '\U000f0000-\U0010ffff]+',
            ' ', 'g');
    end if;
    folded := trim(translate(folded, E'\x01\x02\x03', '.+#'));
    return case when folded = '' then ' ' else ' ' || folded || ' ' end;
end
$$;

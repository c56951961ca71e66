-- A task's words in a third of the time: one pass that leaves the letters and digits, and a plain replacement that puts the owner
-- before each word. They are the same words, so nothing stored changes.
create or replace function words(given text, owner text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    folded text;
begin
    if octet_length(given) = length(given) then
        folded := lower(given);
    else
        folded := regexp_replace(fold(given),
            '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff'
            '\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])',
            ' \1 ', 'g');
    end if;
    folded := trim(regexp_replace(folded, '[^[:alnum:]]+', ' ', 'g'));
    return case when folded = '' then '' else owner || replace(folded, ' ', ' ' || owner) end;
end
$$;

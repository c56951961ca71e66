-- Search that people are happy with: words by where they stand, without regard to case and accents, parts of words, and scripts
-- that leave no space between words; and an index for each order of a list that had none.
--
-- What is stored follows from the functions below, so a change of theirs is a migration that works all rows out anew.

-- Text as search compares it: no case, no accents, compatibility forms such as full-width letters as their plain ones. It needs
-- no dictionary file, as unaccent does, so it may honestly be called immutable, and the API can do the same to mark what was
-- found. Ranges in brackets are the accents that stand alone after decomposition.
create function fold(given text) returns text
language plpgsql immutable strict parallel safe as $$
begin
    if octet_length(given) = length(given) then
        return lower(given);
    end if;
    return replace(replace(replace(replace(
        translate(
            lower(normalize(regexp_replace(normalize(given, nfkd), '[\u0300-\u036f]', '', 'g'), nfc)),
            'øłđðħıς', 'olddhiσ'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
end
$$;

-- Folded text as words between spaces. Punctuation goes, so that the parser sees no addresses, signs or hyphens, whose parts it
-- would hide. Thai, Lao, Burmese, Khmer, Chinese, Japanese and Korean become one word per character: a search for some of them
-- is a search for a phrase, which finds them wherever they stand, also a single one.
create function words(given text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    spaced constant text := regexp_replace(fold(given), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g');
begin
    if octet_length(spaced) = length(spaced) then
        return spaced;
    end if;
    return regexp_replace(spaced,
        '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff'
        '\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])',
        ' \1 ', 'g');
end
$$;

-- Every ending of every word, of three letters or more and cut at twenty, marked so that it is not taken for a word. What a
-- word contains is what one of its endings begins with. A trigram index does the same with four times the entries, each of
-- which a write pays for, and has to read the tasks again to tell `plants` from words that share its trigrams.
create function infixes(words tsvector) returns tsvector
language plpgsql immutable strict parallel safe as $$
declare
    word text;
    endings text[] := '{}';
begin
    foreach word in array tsvector_to_array(words) loop
        for start in 2 .. length(word) - 2 loop
            endings := endings || ('~' || substr(word, start, 20));
        end loop;
    end loop;
    return array_to_tsvector(endings);
end
$$;

-- What a task is found by: A the title, B the description, C the tags, and without a weight what is inside their words; of a
-- long description the first 2,000 characters, which bounds what one write can cost.
create function task_words(title text, description text, tags text[]) returns tsvector
language plpgsql immutable strict parallel safe as $$
declare
    titled constant tsvector := to_tsvector('simple', words(title));
    described tsvector := '';
    tagged tsvector := '';
    start tsvector;
begin
    if description <> '' then
        described := to_tsvector('simple', words(description));
    end if;
    if tags <> '{}' then
        tagged := to_tsvector('simple', words(array_to_string(tags, ' ')));
    end if;
    start := described;
    if length(description) > 2000 then
        start := to_tsvector('simple', words(left(description, 2000)));
    end if;
    return setweight(titled, 'A') || setweight(described, 'B') || setweight(tagged, 'C') || infixes(titled || start || tagged);
end
$$;

-- A trigger and no generated column: its plan stays in the session, an expression is read from the catalogue by each statement.
create function set_task_words() returns trigger
language plpgsql as $$
begin
    new.search := task_words(new.title, new.description, new.tags);
    return new;
end
$$;

alter table tasks alter column search drop expression;
update tasks set search = task_words(title, description, tags);

create trigger words_of_new before insert on tasks
    for each row execute function set_task_words();
create trigger words_of_changed before update of title, description, tags on tasks
    for each row when ((old.title, old.description, old.tags) is distinct from (new.title, new.description, new.tags))
    execute function set_task_words();

drop function tags_text;

-- The orders that had no index; sorting 100,000 tasks for one page takes 100 ms and more. Tasks without a due come last in both
-- directions, so the descending order is not the other one backwards.
create index tasks_due_last on tasks (user_id, coalesce(due_at, '-infinity'), id) where deleted_at is null;
create index tasks_priority on tasks (user_id, array_position('{low,medium,high,urgent}', priority), id) where deleted_at is null;
create index tasks_title on tasks (user_id, title, id) where deleted_at is null;

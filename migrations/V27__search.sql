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

-- The words of one user start with this in the index, so that its entries are that user's own: what a search costs grows with
-- the tasks of whoever searches, not with everybody's. Users who share the four digits only share entries; they are told apart
-- by `user_id`, as in any other query.
create function words_of(user_id uuid) returns text
language plpgsql immutable strict parallel safe as $$
begin
    return 'w' || right(user_id::text, 4);
end
$$;

-- Folded text as such words. Punctuation goes before the parser sees it, which would take it for addresses, signs or hyphens and
-- hide what they part. Thai, Lao, Burmese, Khmer, Chinese, Japanese and Korean become one word per character: a search for some
-- of them is a search for a phrase, which finds them wherever they stand, also a single one.
create function words(given text, owner text) returns text
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
    return regexp_replace(folded, '[^[:alnum:]]*([[:alnum:]]+)[^[:alnum:]]*', owner || '\1 ', 'g');
end
$$;

-- Every ending of every word, of three letters or more and cut at twenty, with `i` in place of `w` so that it is not taken for a
-- word. What a word contains is what one of its endings begins with. Trigrams do the same with four times the entries, each of
-- which a write pays for, and tasks would have to be read again to tell `plants` from words that share its trigrams.
create function infixes(words tsvector) returns tsvector
language plpgsql immutable strict parallel safe as $$
declare
    word text;
    endings text[] := '{}';
begin
    foreach word in array tsvector_to_array(words) loop
        for start in 7 .. length(word) - 2 loop
            endings := endings || ('i' || substr(word, 2, 4) || substr(word, start, 20));
        end loop;
    end loop;
    return array_to_tsvector(endings);
end
$$;

-- What a task is found by: A the title, B the description, C the tags, and without a weight what is inside their words; of a
-- long description the first 2,000 characters, which bounds what one write can cost.
create function task_words(user_id uuid, title text, description text, tags text[]) returns tsvector
language plpgsql immutable strict parallel safe as $$
declare
    owner constant text := words_of(user_id);
    titled constant tsvector := to_tsvector('simple', words(title, owner));
    described tsvector := '';
    tagged tsvector := '';
    start tsvector;
begin
    if description <> '' then
        described := to_tsvector('simple', words(description, owner));
    end if;
    if tags <> '{}' then
        tagged := to_tsvector('simple', words(array_to_string(tags, ' '), owner));
    end if;
    start := described;
    if length(description) > 2000 then
        start := to_tsvector('simple', words(left(description, 2000), owner));
    end if;
    return setweight(titled, 'A') || setweight(described, 'B') || setweight(tagged, 'C') || infixes(titled || start || tagged);
end
$$;

-- A trigger and no generated column: its plan stays in the session, an expression is read from the catalogue by each statement.
create function set_task_words() returns trigger
language plpgsql as $$
begin
    new.search := task_words(new.user_id, new.title, new.description, new.tags);
    return new;
end
$$;

alter table tasks alter column search drop expression;
update tasks set search = task_words(user_id, title, description, tags);

create trigger words_of_new before insert on tasks
    for each row execute function set_task_words();
create trigger words_of_changed before update of title, description, tags on tasks
    for each row when ((old.title, old.description, old.tags) is distinct from (new.title, new.description, new.tags))
    execute function set_task_words();

drop function tags_text;

-- Ranking reads many tasks; in the default of 4 MB a bitmap of them forgets which rows of a page it meant.
do $$
begin
    execute format('alter role spindle_api in database %I set work_mem = %L', current_database(), '16MB');
end
$$;

-- The orders that had no index; sorting 100,000 tasks for one page takes 100 ms and more. Tasks without a due come last in both
-- directions, so the descending order is not the other one backwards.
create index tasks_due_last on tasks (user_id, coalesce(due_at, '-infinity'), id) where deleted_at is null;
create index tasks_priority on tasks (user_id, array_position('{low,medium,high,urgent}', priority), id) where deleted_at is null;
create index tasks_title on tasks (user_id, title, id) where deleted_at is null;

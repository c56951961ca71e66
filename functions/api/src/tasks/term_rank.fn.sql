-- How well the words of a task (`tasks.words`) match a term, which has no spaces around it. Whole words rank before beginnings of
-- words, and these before other parts of words; the title ranks before the description, and the description before the tags.
--
-- The function is a single SQL expression without `strict`, so Postgres inlines it. It is evaluated for up to 1,000 tasks of a search,
-- so it compares bytes, see `has_term`.
create or replace function term_rank(words text, term text) returns integer
language sql immutable parallel safe as $$
    select case
        when words collate "C" like '% ' || term || '%' then case
            when words collate "C" not like '% ' || term || ' %' then
                case when split_part(words, '|', 1) collate "C" like '% ' || term || '%' then 6 else 3 end
            when split_part(words, '|', 1) collate "C" like '% ' || term || ' %' then 16
            when split_part(words, '/', 2) collate "C" like '% ' || term || ' %' then 8
            else 4
        end
        when words collate "C" like '%' || term || '%' then
            case when split_part(words, '|', 1) collate "C" like '%' || term || '%' then 2 else 1 end
        else 0
    end
$$;

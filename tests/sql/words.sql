-- $1 texts.
-- Result: the words of each text, in the same order.
select words(text) from unnest($1::text[]) with ordinality as texts (text, place) order by place

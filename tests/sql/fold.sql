-- $1 text.
-- Results: the folded text; its words, without the prefix of a user.
select fold($1), string_to_array(words($1, ''), ' ')

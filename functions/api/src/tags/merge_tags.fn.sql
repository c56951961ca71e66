-- The tags of a task after two changes of the same tags, as a set: what either side has added or removed holds. Tags with the same key, see
-- `tag_key`, are the same.
--
-- p_base    the tags that both sides have changed
-- p_theirs  the tags after the one change; its order and spelling come first
-- p_yours   the tags after the other change
create or replace function merge_tags(p_base text[], p_theirs text[], p_yours text[]) returns text[]
language plpgsql stable parallel safe as $$
begin
    return array(
        select m.tag
        from (
            select t.tag, 1 as side, t.place
            from unnest(p_theirs) with ordinality as t (tag, place)
            where tag_key(t.tag) = any (tag_keys(p_yours)) or tag_key(t.tag) <> all (tag_keys(p_base))
            union all
            select y.tag, 2, y.place
            from unnest(p_yours) with ordinality as y (tag, place)
            where tag_key(y.tag) <> all (tag_keys(p_theirs)) and tag_key(y.tag) <> all (tag_keys(p_base))
        ) m
        order by m.side, m.place);
end
$$;

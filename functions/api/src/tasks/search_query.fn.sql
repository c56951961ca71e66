-- For the statements of the release before `task_page`, which run until all programs are replaced: returns the tsquery for a search of
-- a user; null if only excluded terms have a word. Parameters as those of `compile_search`.
--
-- `tasks.search` has no positions any more. So these statements find phrases whose words stand apart, ignore exclusions, and rank
-- less well.
create or replace function search_query(user_id uuid, terms text[], exactly boolean) returns tsquery
language plpgsql immutable strict parallel safe as $$
begin
    return (compile_search(user_id, terms)).lexemes;
end
$$;

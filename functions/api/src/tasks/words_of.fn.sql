-- Returns the prefix of all words of a user in the search index: `w` and the last four digits of the user's id. With it, a
-- search reads index entries of that user's tasks, so its cost does not grow with the tasks of other users. Users with equal
-- digits share entries. The condition on `user_id` in each query keeps their tasks apart.
create or replace function words_of(user_id uuid) returns text
language plpgsql immutable strict parallel safe as $$
begin
    return 'w' || right(user_id::text, 4);
end
$$;

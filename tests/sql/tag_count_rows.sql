-- Counts the rows of `tag_counts` of a user.
-- $1 id of the user
select count(*) from tag_counts where user_id = $1

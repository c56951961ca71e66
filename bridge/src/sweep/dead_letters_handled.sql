delete from dead_letters_handled
where handled_at < clock_timestamp() - interval '60 days'

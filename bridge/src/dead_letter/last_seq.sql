select coalesce((select sync_seq from users where id = $1), 0)

select format('alter role %I login password %L', $1::text, $2::text)

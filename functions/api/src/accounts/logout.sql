select end_session(decode($1::text, 'hex'), $2::text, $3)

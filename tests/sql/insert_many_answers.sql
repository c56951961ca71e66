-- Keeps 20,000 answers of this minute for one user.
insert into idempotency_keys (user_id, key, fingerprint, outcome)
select md5('user')::uuid, n, n, 'created'
from generate_series(1, 20000) n

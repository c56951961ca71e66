-- Writes a file into the data folder of Postgres, which is its working directory. Only its owner may read the file; otherwise Postgres
-- would refuse a private key.
--
-- name  the file's name
-- text  the file's text; it contains no quotes
copy (select string_to_table('{text}', E'\n')) to program 'umask 077; cat > {name}'

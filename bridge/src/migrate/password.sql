-- Builds the statement that sets a role's password and lets the role log in; a utility statement takes no parameters.
-- $1 role, $2 SCRAM verifier of the password.
-- Result: the statement.
select format('alter role %I login password %L', $1::text, $2::text)

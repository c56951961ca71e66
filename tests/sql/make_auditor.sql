-- Gives an account the role auditor.
-- $1 user id
update users set role = 'auditor' where id = $1

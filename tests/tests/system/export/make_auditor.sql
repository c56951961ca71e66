-- Makes somebody an auditor.
update users set role = 'auditor' where id = $1

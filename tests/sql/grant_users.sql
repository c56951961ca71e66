-- Gives the API the right back that revoke_users.sql has taken.
grant insert on users to spindle_api

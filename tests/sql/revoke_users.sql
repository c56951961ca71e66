-- Takes the API the right to create accounts.
revoke insert on users from spindle_api

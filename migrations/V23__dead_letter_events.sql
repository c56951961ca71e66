-- An event about an account carries the number of the user's last write; those about dead letters are the bridge's.
grant select (id, sync_seq) on users to spindle_bridge;

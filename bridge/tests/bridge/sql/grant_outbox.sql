-- Gives the bridge the right to read the outbox back.
grant select on outbox to spindle_bridge

-- Takes the right to read the outbox from the bridge.
revoke select on outbox from spindle_bridge

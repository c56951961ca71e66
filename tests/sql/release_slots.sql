-- Releases the slots that this session has taken.
select pg_advisory_unlock_all()

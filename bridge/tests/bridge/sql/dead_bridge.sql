-- Records a bridge that is dead, with a heartbeat an hour ahead of the clock.
-- $1 class of leases.
insert into bridges (bridge, class, seen_at)
values (gen_random_uuid(), $1, clock_timestamp() + interval '1 hour')

//! Which bridges are alive, judged by this process's monotonic clock.
//!
//! The time in a heartbeat is only compared for equality: a bridge lives if its heartbeat changes. A step of the
//! database's clock, back or forth, therefore neither keeps a dead bridge alive nor declares a living one dead.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use uuid::Uuid;

/// A bridge whose heartbeat has not changed for this long is dead.
const SILENCE: Duration = Duration::from_secs(4);

/// A heartbeat as the database has it.
#[derive(Clone, Copy, Debug)]
pub struct Beat {
    pub bridge: Uuid,
    /// The database's time of the heartbeat.
    pub at: SystemTime,
    /// False if the heartbeat is old by the database's clock. Decides only about a bridge that is seen for the first
    /// time.
    pub recent: bool,
}

/// What was observed of the other bridges.
#[derive(Debug, Default)]
pub struct Alive {
    seen: HashMap<Uuid, Seen>,
}

#[derive(Debug)]
struct Seen {
    at: SystemTime,
    /// When the heartbeat last changed; none if it was old at first sight and has not changed since.
    changed: Option<Instant>,
}

impl Alive {
    /// Notes the heartbeats that the database has now, and returns the bridges that are alive.
    pub fn observe(&mut self, beats: &[Beat], now: Instant) -> Vec<Uuid> {
        self.seen
            .retain(|bridge, _| beats.iter().any(|beat| beat.bridge == *bridge));
        let mut alive = Vec::new();
        for beat in beats {
            let seen = self.seen.entry(beat.bridge).or_insert_with(|| Seen {
                at: beat.at,
                changed: beat.recent.then_some(now),
            });
            if seen.at != beat.at {
                *seen = Seen {
                    at: beat.at,
                    changed: Some(now),
                };
            }
            if seen.changed.is_some_and(|at| now - at < SILENCE) {
                alive.push(beat.bridge);
            }
        }
        alive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(bridge: Uuid, seconds: u64, recent: bool) -> Beat {
        Beat {
            bridge,
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            recent,
        }
    }

    #[test]
    fn a_dead_bridge_whose_heartbeat_lies_in_the_future_is_dead_after_4_seconds() {
        let (dead, start) = (Uuid::new_v4(), Instant::now());
        let mut alive = Alive::default();
        let future = [beat(dead, 1_000_000, true)];
        assert_eq!(alive.observe(&future, start), [dead]);
        assert!(alive.observe(&future, start + SILENCE).is_empty());
    }

    #[test]
    fn a_living_bridge_stays_alive_while_the_clock_steps_back_and_forth() {
        let (living, start) = (Uuid::new_v4(), Instant::now());
        let mut alive = Alive::default();
        for (n, (at, recent)) in [(100, true), (10, true), (5_000, true), (7, false)]
            .into_iter()
            .enumerate()
        {
            let now = start + Duration::from_secs(3) * u32::try_from(n).unwrap();
            assert_eq!(alive.observe(&[beat(living, at, recent)], now), [living]);
        }
    }

    #[test]
    fn a_bridge_that_was_dead_before_this_one_started_does_not_count() {
        let (dead, now) = (Uuid::new_v4(), Instant::now());
        let mut alive = Alive::default();
        assert!(alive.observe(&[beat(dead, 1, false)], now).is_empty());
        assert!(alive.observe(&[], now).is_empty());
    }
}

//! What the relay holds back because the log refused it: the rows of a user, or the rows of a topic.
//!
//! A refused row is sent again alone. If the log takes it, it was not the cause, and the hold ends. If the log refuses it
//! again, the pauses grow. A row that is at fault itself goes into quarantine after a while, so that its user's other
//! rows can move on. A topic is never quarantined: its rows are in order, and an operator has to create the topic or to
//! grant the right to write to it.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::log::{Fault, Refusal};
use crate::policy::backoff;

/// Bounds of the pause between two attempts with a refused row.
const FIRST_PAUSE_MS: u64 = 500;
const MAX_PAUSE_MS: u64 = 30_000;

/// The holds of one relay.
#[derive(Debug, Default)]
pub struct Holds {
    by_fault: HashMap<Fault, Hold>,
}

#[derive(Debug)]
struct Hold {
    row: i64,
    /// When the row was first refused while nothing was sent with it.
    alone_since: Option<Instant>,
    /// Refusals in a row while nothing was sent with it.
    refusals: u32,
    retry_at: Instant,
}

/// What follows from a refusal.
#[derive(Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The row is tried again. `certain` is true the first time that no other row can be the cause.
    Held { certain: bool },
    /// The row has been refused for long enough and goes into quarantine.
    Quarantine,
}

impl Holds {
    pub fn users(&self) -> Vec<Uuid> {
        let users = self.by_fault.keys().filter_map(|fault| match fault {
            Fault::Row(user) => Some(*user),
            Fault::Topic(_) => None,
        });
        users.collect()
    }

    pub fn topics(&self) -> Vec<&str> {
        let topics = self.by_fault.keys().filter_map(|fault| match fault {
            Fault::Row(_) => None,
            Fault::Topic(topic) => Some(topic.as_str()),
        });
        topics.collect()
    }

    pub fn is_empty(&self) -> bool {
        self.by_fault.is_empty()
    }

    /// The row to try next, and what was held because of it.
    pub fn due(&self, now: Instant) -> Option<(i64, Fault)> {
        let due = self
            .by_fault
            .iter()
            .filter(|(_, hold)| hold.retry_at <= now);
        due.min_by_key(|(_, hold)| hold.retry_at)
            .map(|(fault, hold)| (hold.row, fault.clone()))
    }

    /// Notes a refusal. `patience` is how long a row may be refused before it goes into quarantine.
    pub fn refused(&mut self, refusal: &Refusal, patience: Duration, now: Instant) -> Consequence {
        let known = self.by_fault.contains_key(&refusal.at_fault);
        let is_topic = matches!(refusal.at_fault, Fault::Topic(_));
        let hold = self
            .by_fault
            .entry(refusal.at_fault.clone())
            .or_insert_with(|| Hold {
                row: refusal.row,
                alone_since: None,
                refusals: 0,
                retry_at: now,
            });
        hold.row = refusal.row;
        if !refusal.alone {
            return Consequence::Held {
                certain: is_topic && !known,
            };
        }
        let certain = if is_topic {
            !known
        } else {
            hold.alone_since.is_none()
        };
        let since = *hold.alone_since.get_or_insert(now);
        if !is_topic && now - since >= patience {
            return Consequence::Quarantine;
        }
        hold.refusals += 1;
        hold.retry_at = now + backoff(FIRST_PAUSE_MS, hold.refusals, MAX_PAUSE_MS).min(patience);
        Consequence::Held { certain }
    }

    /// Ends a hold.
    pub fn release(&mut self, fault: &Fault) {
        self.by_fault.remove(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn refusal(at_fault: &Fault, alone: bool) -> Refusal {
        Refusal {
            row: 7,
            topic: "task-events".to_owned(),
            at_fault: at_fault.clone(),
            alone,
            error: "too large".to_owned(),
        }
    }

    #[test]
    fn a_row_that_was_refused_in_company_is_tried_alone_at_once() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        let fault = Fault::Row(Uuid::new_v4());
        let first = holds.refused(&refusal(&fault, false), PATIENCE, now);
        assert_eq!(first, Consequence::Held { certain: false });
        assert_eq!(holds.due(now), Some((7, fault.clone())));
        holds.release(&fault);
        assert!(holds.is_empty());
    }

    #[test]
    fn a_row_that_is_refused_alone_is_tried_at_growing_intervals_and_quarantined_after_a_minute() {
        let (mut holds, start) = (Holds::default(), Instant::now());
        let fault = Fault::Row(Uuid::new_v4());
        let (mut now, mut attempts) = (start, 0);
        while holds.refused(&refusal(&fault, true), PATIENCE, now) != Consequence::Quarantine {
            attempts += 1;
            assert_eq!(holds.due(now), None, "not at once again");
            while holds.due(now).is_none() {
                now += Duration::from_millis(50);
            }
        }
        assert!((5..=20).contains(&attempts), "{attempts}");
        assert!(now - start >= PATIENCE && now - start <= 2 * PATIENCE);
    }

    #[test]
    fn a_topic_is_held_for_as_long_as_it_is_refused() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        let fault = Fault::Topic("task-events".to_owned());
        for hours in 0..5 {
            let now = now + Duration::from_secs(3_600 * hours);
            let outcome = holds.refused(&refusal(&fault, true), PATIENCE, now);
            assert_eq!(
                outcome,
                Consequence::Held {
                    certain: hours == 0
                }
            );
        }
        assert_eq!(holds.topics(), ["task-events"]);
    }
}

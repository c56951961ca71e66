//! Partitions that go to another reader: nothing new is begun, what is in flight is settled, the rest is forgotten.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{HandOver, Place, Queue};
use crate::log::Partition;

impl Queue {
    /// The partitions are someone else's, now or, with `settled`, once that has been told.
    pub fn revoke(
        &mut self,
        partitions: Vec<Partition>,
        settled: Option<oneshot::Sender<()>>,
        limit: Duration,
        now: Instant,
    ) {
        self.epoch += 1;
        let mut dropped = 0;
        for user in self.users.values_mut() {
            let before = user.waiting.len();
            user.waiting
                .retain(|held| !partitions.contains(&held.record.partition));
            dropped += before - user.waiting.len();
        }
        self.held -= dropped.min(self.held);
        self.users
            .retain(|_, user| user.place == Place::Flying || !user.waiting.is_empty());
        self.route_all();
        match settled {
            Some(settled) => self.hand_overs.push(HandOver {
                partitions,
                settled,
                until: now + limit,
            }),
            None => self.forget(&partitions),
        }
    }

    /// Tells those who wait for partitions that are settled, or that have had their time. The marks must be on their
    /// way before this is called.
    pub fn hand_over(&mut self, now: Instant) {
        let (over, still): (Vec<HandOver>, Vec<HandOver>) = std::mem::take(&mut self.hand_overs)
            .into_iter()
            .partition(|hand_over| {
                hand_over.until <= now || !self.under_way(&hand_over.partitions)
            });
        self.hand_overs = still;
        for hand_over in over {
            self.forget(&hand_over.partitions);
            // Nobody waits any more if the session that asked is gone.
            let _ = hand_over.settled.send(());
        }
    }

    pub(super) fn handing_over(&self, partition: &Partition) -> bool {
        self.hand_overs
            .iter()
            .any(|hand_over| hand_over.partitions.contains(partition))
    }

    fn forget(&mut self, partitions: &[Partition]) {
        self.marks.forget(partitions);
        for partition in partitions {
            self.assigned.remove(partition);
        }
    }

    fn under_way(&self, partitions: &[Partition]) -> bool {
        let mut flying = self.flights.values().flat_map(|flight| &flight.held);
        flying.any(|held| partitions.contains(&held.record.partition))
            || self
                .burying
                .iter()
                .any(|(partition, _)| partitions.contains(partition))
    }
}

//! Owns the lanes of the group's agent, and decides which user goes to which lane.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use tracing::info;
use uuid::Uuid;

use super::batch::Limits;
use super::event::Event;
use super::lane::Lane;
use super::users::{ReadyUser, Users};

#[derive(Debug, Default)]
pub struct Lanes {
    /// By channel name.
    lanes: BTreeMap<String, Lane>,
}

impl Lanes {
    /// How many lanes may be given work.
    pub fn live(&self) -> usize {
        self.lanes.values().filter(|lane| !lane.is_deaf()).count()
    }

    pub fn names(&self) -> Vec<String> {
        self.lanes.keys().cloned().collect()
    }

    /// Adds the lanes that are new. Returns whether there were any.
    pub fn add(&mut self, names: &BTreeSet<String>) -> bool {
        let before = self.lanes.len();
        for name in names {
            if let Entry::Vacant(vacant) = self.lanes.entry(name.clone()) {
                info!(lane = name, "lane found");
                vacant.insert(Lane::default());
            }
        }
        self.lanes.len() > before
    }

    /// Removes a lane. Returns whether it existed.
    pub fn remove(&mut self, name: &str) -> bool {
        let existed = self.lanes.remove(name).is_some();
        if existed {
            info!(lane = name, "lane gone");
        }
        existed
    }

    /// Puts the user into the queue of its lane. Does nothing while no lane is live.
    pub fn enqueue(&mut self, user: ReadyUser) {
        let live = self.lanes.iter_mut().filter(|(_, lane)| !lane.is_deaf());
        if let Some((_, lane)) = rendezvous(user.id, live, |(name, _)| name) {
            lane.enqueue(user);
        }
    }

    /// Empties the queue of every lane.
    pub fn clear_queues(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.clear_queues();
        }
    }

    /// The events of a lane's next frame, which takes one credit of the lane.
    pub fn next_batch(
        &mut self,
        name: &str,
        users: &mut Users,
        limits: &Limits,
        now: Instant,
    ) -> Option<Vec<Event>> {
        let lane = self.lanes.get_mut(name)?;
        let batch = lane.next_batch(users, limits, now)?;
        lane.take_credit();
        Some(batch)
    }

    /// When the next frame that is not full becomes due.
    pub fn next_batch_due(&self, limits: &Limits) -> Option<Instant> {
        self.lanes
            .values()
            .filter_map(|lane| lane.batch_due_at(limits))
            .min()
    }

    /// A frame of the lane has ended.
    pub fn return_credit(&mut self, name: &str) {
        if let Some(lane) = self.lanes.get_mut(name) {
            lane.return_credit();
        }
    }

    /// The lane answered a message that was sent at `sent`. Returns true if it was deaf until now.
    pub fn answered(&mut self, name: &str, sent: Instant) -> bool {
        let revived = self
            .lanes
            .get_mut(name)
            .is_some_and(|lane| lane.answered(sent));
        if revived {
            info!(lane = name, "lane answers again");
        }
        revived
    }

    /// True if the lane has answered a message that was sent after `sent`.
    pub fn answered_after(&self, name: &str, sent: Instant) -> bool {
        self.lanes
            .get(name)
            .is_some_and(|lane| lane.answered_after(sent))
    }

    /// Starts the lane's heartbeat if one is due, and returns the id of its frame.
    pub fn start_heartbeat(&mut self, name: &str, now: Instant) -> Option<Uuid> {
        self.lanes.get_mut(name)?.start_heartbeat(now)
    }

    /// When the lane was sent this heartbeat, if it has not answered it.
    pub fn heartbeat_sent(&self, name: &str, frame: Uuid) -> Option<Instant> {
        self.lanes.get(name)?.heartbeat_sent(frame)
    }

    /// The lane that was sent this heartbeat, if it has not answered it.
    pub fn lane_of_heartbeat(&self, frame: Uuid) -> Option<String> {
        let mut lanes = self.lanes.iter();
        let lane = lanes.find(|(_, lane)| lane.heartbeat_sent(frame).is_some());
        lane.map(|(name, _)| name.clone())
    }

    /// Forgets unanswered heartbeats, whose answers may have been missed.
    pub fn forget_heartbeats(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.forget_heartbeats();
        }
    }

    /// Makes the lane deaf if a heartbeat is overdue. Returns true if the lane was not deaf before.
    pub fn check_heartbeats(&mut self, name: &str, now: Instant) -> bool {
        self.lanes
            .get_mut(name)
            .is_some_and(|lane| lane.check_heartbeats(now))
    }
}

/// Rendezvous hashing: of all lanes, a user's is the one with the highest hash of user and lane. When a lane comes or goes,
/// only the users of that lane move.
fn rendezvous<T>(
    user: Uuid,
    lanes: impl Iterator<Item = T>,
    name: impl Fn(&T) -> &String,
) -> Option<T> {
    lanes.max_by_key(|lane| {
        let mut hasher = DefaultHasher::new();
        (user, name(lane)).hash(&mut hasher);
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_users_of_a_lane_that_goes_move() {
        let three: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let two: Vec<String> = three.iter().take(2).cloned().collect();
        let lane =
            |user, lanes: &[String]| rendezvous(user, lanes.iter().cloned(), |name| name).unwrap();
        let mut shares = [0; 3];
        for n in 0..3000_u128 {
            let user = Uuid::from_u128(n);
            let (before, after) = (lane(user, &three), lane(user, &two));
            assert!(before == after || before == "c");
            shares[three.iter().position(|lane| *lane == before).unwrap()] += 1;
        }
        assert!(
            shares.iter().all(|share| (800..1200).contains(share)),
            "{shares:?}"
        );
    }
}

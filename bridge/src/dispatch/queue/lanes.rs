//! Owns the lanes of the group's agent, and decides which user goes to which lane.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use domain::frame::Unwell;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::event::Event;
use super::lane::{Fitness, Lane};
use super::users::{ReadyUser, Users};
use crate::groups::Group;

#[derive(Debug)]
pub struct Lanes {
    group: &'static Group,
    /// By channel name.
    lanes: BTreeMap<String, Lane>,
}

impl Lanes {
    pub fn new(group: &'static Group) -> Self {
        Self {
            group,
            lanes: BTreeMap::new(),
        }
    }

    /// How many lanes are fit for this.
    pub fn count(&self, fitness: Fitness) -> usize {
        let lanes = self.lanes.values();
        lanes.filter(|lane| lane.fitness() == fitness).count()
    }

    /// The code and the error of a sick lane.
    pub fn sickness(&self) -> Option<(&str, &str)> {
        let sickness = self.lanes.values().find_map(Lane::sickness)?;
        Some((&sickness.code, &sickness.error))
    }

    pub fn names(&self) -> Vec<String> {
        self.lanes.keys().cloned().collect()
    }

    /// Adds the lanes that are new. Returns whether there were any.
    pub fn add(&mut self, names: &BTreeSet<String>, now: Instant) -> bool {
        let before = self.lanes.len();
        for name in names {
            if let Entry::Vacant(vacant) = self.lanes.entry(name.clone()) {
                info!(lane = name, "lane found");
                vacant.insert(Lane::new(self.group, now));
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

    /// Puts the user into the queue of its lane. Does nothing while no lane takes users.
    pub fn enqueue(&mut self, user: ReadyUser) {
        let open = self.lanes.iter_mut().filter(|(_, lane)| lane.takes_users());
        if let Some((_, lane)) = rendezvous(user.id, open, |(name, _)| name) {
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
        now: Instant,
    ) -> Option<Vec<Event>> {
        let lane = self.lanes.get_mut(name)?;
        let batch = lane.next_batch(users, now)?;
        lane.take_credit(now);
        Some(batch)
    }

    /// When the next frame that is not full becomes due.
    pub fn next_batch_due(&self) -> Option<Instant> {
        self.lanes.values().filter_map(Lane::batch_due_at).min()
    }

    /// A frame of the lane has ended.
    pub fn return_credit(&mut self, name: &str) {
        if let Some(lane) = self.lanes.get_mut(name) {
            lane.return_credit();
        }
    }

    /// The lane answered a message that was sent at `sent`. Returns true if it was deaf until now.
    pub fn answered(&mut self, name: &str, sent: Instant, now: Instant) -> bool {
        let revived = self
            .lanes
            .get_mut(name)
            .is_some_and(|lane| lane.answered(sent, now));
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

    /// When the next heartbeat of any lane is due.
    pub fn next_heartbeat(&self) -> Option<Instant> {
        self.lanes.values().filter_map(Lane::next_heartbeat).min()
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

    /// A message of the lane reached one process, or several. Returns whether that has changed.
    pub fn set_shared(&mut self, name: &str, shared: bool) -> bool {
        let lane = self.lanes.get_mut(name);
        let changed = lane.is_some_and(|lane| lane.set_shared(shared));
        if changed && shared {
            error!(
                lane = name,
                "several processes subscribe to one lane; it gets no work until only one is left, because they must have \
                 different names (the variable `instance`)"
            );
        } else if changed {
            info!(lane = name, "one process is left on the lane");
        }
        changed
    }

    /// The lane's agent answered that it cannot work. Returns how often it did so in a row.
    pub fn unwell(&mut self, name: &str, unwell: Unwell, heartbeat: bool) -> u32 {
        let Some(lane) = self.lanes.get_mut(name) else {
            return 1;
        };
        if lane.sickness().is_none() {
            warn!(
                lane = name,
                code = unwell.code,
                error = unwell.error,
                "the agent of a lane cannot work; it is tried again and no event is to blame"
            );
        }
        lane.unwell(unwell.code, unwell.error, heartbeat)
    }

    /// A sick lane gets no frame of events until then.
    pub fn rest(&mut self, name: &str, until: Instant) {
        if let Some(lane) = self.lanes.get_mut(name) {
            lane.rest(until);
        }
    }

    /// Ends the rests that are over. Returns whether there were any.
    pub fn end_rests(&mut self, now: Instant) -> bool {
        let mut ended = false;
        for lane in self.lanes.values_mut() {
            ended |= lane.end_rest(now);
        }
        ended
    }

    /// When the next rest is over.
    pub fn next_rest_end(&self) -> Option<Instant> {
        self.lanes.values().filter_map(Lane::rest_until).min()
    }

    /// The lane's agent has processed a frame of events, or answered a heartbeat. Returns whether the lane was sick and is not
    /// any more. `idle` tells whether no event waits.
    pub fn well(&mut self, name: &str, heartbeat: bool, idle: bool) -> bool {
        let lane = self.lanes.get_mut(name);
        let recovered = lane.is_some_and(|lane| lane.well(heartbeat, idle));
        if recovered {
            info!(lane = name, "the agent of a lane works again");
        }
        recovered
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

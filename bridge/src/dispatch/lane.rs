//! A lane: one channel on which one agent's process handles one frame after the other.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use uuid::Uuid;

/// Frames that a lane may hold: one running, one queued. A crash then repeats two frames, not a backlog.
pub const CREDIT: usize = 2;
/// How often an agent is asked whether it lives.
pub const BEAT: Duration = Duration::from_secs(1);
/// How long it may owe the answer before its lane gets no more work.
pub const DEAF: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub struct Lane {
    /// Users whose next event may share a frame with anyone's.
    pub ready: VecDeque<Uuid>,
    /// Users whose next event failed before: these keep apart from the rest.
    pub apart: VecDeque<Uuid>,
    /// Since when `ready` has waited to be sent.
    pub since: Option<Instant>,
    pub flights: usize,
    /// When the newest message that was answered had been sent. A lane handles one message after the other, so
    /// whatever was sent before that has been handled or has died.
    pub answered: Option<Instant>,
    pub beats: VecDeque<(Uuid, Instant)>,
    pub next_beat: Option<Instant>,
    pub deaf: bool,
}

impl Lane {
    /// An answer to something sent at `sent` arrived. True if the lane had been deaf.
    pub fn hear(&mut self, sent: Instant) -> bool {
        self.answered = Some(self.answered.map_or(sent, |before| before.max(sent)));
        self.beats.retain(|(_, at)| *at > sent);
        std::mem::take(&mut self.deaf)
    }

    /// True if the agent owes the answer to a heartbeat for too long.
    pub fn overdue(&self, now: Instant) -> bool {
        self.beats
            .front()
            .is_some_and(|(_, at)| now.duration_since(*at) >= DEAF)
    }

    pub fn may_send(&self) -> bool {
        !self.deaf && self.flights < CREDIT
    }
}

/// The lane of a user, for as long as that lane lives: when another comes or goes, few users move.
pub fn rendezvous<'a>(user: Uuid, lanes: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    lanes.max_by_key(|lane| {
        let mut hasher = DefaultHasher::new();
        (user, lane).hash(&mut hasher);
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
        let mut shares = [0; 3];
        for n in 0..3000_u128 {
            let user = Uuid::from_u128(n);
            let (before, after) = (
                rendezvous(user, three.iter()).unwrap(),
                rendezvous(user, two.iter()).unwrap(),
            );
            assert!(before == after || before == "c");
            shares[three.iter().position(|lane| lane == before).unwrap()] += 1;
        }
        assert!(
            shares.iter().all(|share| (800..1200).contains(share)),
            "{shares:?}"
        );
    }
}

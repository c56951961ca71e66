//! Owns the users that have events: each user's waiting events in order, and what the user is doing now.
//!
//! A user is in at most one frame at a time. That keeps the user's events in order whatever happens to the frame. It also
//! lets the user change lanes whenever it has no frame in flight, and wait for a retry without delaying other users.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::batch::Batch;
use super::event::{Event, EventKey, Size};
use crate::log::Partition;

/// A user's state. A user without waiting events exists only while in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Queued in a lane, or waiting for a lane to exist.
    Ready,
    /// A frame carries some of the user's events.
    InFlight,
    /// Waits until the given time before an event is tried again.
    Backoff(Instant),
}

#[derive(Debug)]
struct User {
    state: State,
    waiting: VecDeque<Event>,
}

/// A user that may be put into a lane's queue. Orders by the time at which its first event was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadyUser {
    pub read_at: Instant,
    pub id: Uuid,
    /// Whether the first event is isolated.
    pub isolated: bool,
}

/// How an event leaves its frame.
#[derive(Debug)]
pub enum Landing {
    /// It needs no more work here, or the dead-letter topic gets it.
    Gone(Uuid),
    /// It is delivered again after the delay.
    Again(Event, Duration),
}

#[derive(Debug, Default)]
pub struct Users {
    users: HashMap<Uuid, User>,
    /// When users in backoff become ready. Entries of users that have changed state since are ignored.
    timers: BinaryHeap<Reverse<(Instant, Uuid)>>,
    waiting: Size,
}

impl Users {
    /// Events that wait for a frame.
    pub fn waiting(&self) -> Size {
        self.waiting
    }

    /// Events of one user that wait for a frame.
    pub fn waiting_of(&self, id: Uuid) -> usize {
        self.users.get(&id).map_or(0, |user| user.waiting.len())
    }

    /// When the user's first waiting event was read.
    pub fn first_read_at(&self, id: Uuid) -> Option<Instant> {
        Some(self.users.get(&id)?.waiting.front()?.read_at())
    }

    /// Appends an event that was read. Returns its user if the user is new and so has to find a lane.
    pub fn push(&mut self, event: Event) -> Option<ReadyUser> {
        self.waiting.add(&event);
        let id = event.user();
        match self.users.entry(id) {
            Entry::Occupied(mut known) => {
                known.get_mut().waiting.push_back(event);
                None
            }
            Entry::Vacant(new) => {
                let waiting = VecDeque::from([event]);
                new.insert(User {
                    state: State::Ready,
                    waiting,
                })
                .ready(id)
            }
        }
    }

    /// Moves the user's next events into the batch, as many as the batch accepts. The user is in flight if that is at
    /// least one. Returns whether it is.
    pub fn move_into(&mut self, id: Uuid, batch: &mut Batch) -> bool {
        let Some(user) = self.users.get_mut(&id) else {
            return false;
        };
        let mut moved = false;
        while let Some(event) = user.waiting.pop_front_if(|event| batch.accepts(event)) {
            self.waiting.remove(&event);
            batch.push(event);
            moved = true;
        }
        if moved {
            user.state = State::InFlight;
        }
        moved
    }

    /// Ends the flight of every user in the list, which holds a frame's events in order. Events that are tried again return
    /// to the front of their user's line in the same order, and the user waits for the longest of their delays.
    /// Returns the users that are ready now.
    pub fn land(&mut self, landings: Vec<Landing>, now: Instant) -> Vec<ReadyUser> {
        // In a frame the events of a user stand together.
        let mut delays: Vec<(Uuid, Duration)> = Vec::new();
        for landing in landings.into_iter().rev() {
            let (id, after) = match &landing {
                Landing::Gone(id) => (*id, Duration::ZERO),
                Landing::Again(event, after) => (event.user(), *after),
            };
            match delays.last_mut() {
                Some((last, delay)) if *last == id => *delay = after.max(*delay),
                _ => delays.push((id, after)),
            }
            if let Landing::Again(event, _) = landing
                && let Some(user) = self.users.get_mut(&id)
            {
                self.waiting.add(&event);
                user.waiting.push_front(event);
            }
        }
        let mut ready = Vec::new();
        for (id, delay) in delays.into_iter().rev() {
            let Some(user) = self.users.get_mut(&id) else {
                continue;
            };
            if user.waiting.is_empty() {
                self.users.remove(&id);
            } else if delay.is_zero() {
                user.state = State::Ready;
                ready.extend(user.ready(id));
            } else {
                user.state = State::Backoff(now + delay);
                self.timers.push(Reverse((now + delay, id)));
            }
        }
        ready
    }

    /// The users whose backoff is over. They are ready from now on.
    pub fn end_backoffs(&mut self, now: Instant) -> Vec<ReadyUser> {
        let mut ready = Vec::new();
        while let Some(&Reverse((at, id))) = self.timers.peek() {
            if at > now {
                break;
            }
            self.timers.pop();
            if let Some(user) = self.users.get_mut(&id)
                && user.state == State::Backoff(at)
            {
                user.state = State::Ready;
                ready.extend(user.ready(id));
            }
        }
        ready
    }

    /// When the next backoff ends.
    pub fn next_timer(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Every ready user, the one that has waited longest first.
    pub fn ready(&self) -> Vec<ReadyUser> {
        let ready = self
            .users
            .iter()
            .filter(|(_, user)| user.state == State::Ready);
        let mut ready: Vec<ReadyUser> = ready.filter_map(|(id, user)| user.ready(*id)).collect();
        ready.sort_unstable();
        ready
    }

    /// Removes an event that waits for a frame. Returns false if it does not. Its user may be ready no more, so the caller
    /// queues the ready users anew.
    pub fn remove(&mut self, key: &EventKey) -> bool {
        let Some(user) = self.users.get_mut(&key.user) else {
            return false;
        };
        let Some(place) = user.waiting.iter().position(|event| event.has_key(key)) else {
            return false;
        };
        if let Some(event) = user.waiting.remove(place) {
            self.waiting.remove(&event);
        }
        if user.waiting.is_empty() && user.state != State::InFlight {
            self.users.remove(&key.user);
        }
        true
    }

    /// Takes the waiting events of these partitions out. Events in flight are not touched. The caller queues the ready users
    /// anew.
    pub fn take_partitions(&mut self, partitions: &[Partition]) -> Vec<Event> {
        let mut taken = Vec::new();
        for user in self.users.values_mut() {
            let leaving = |event: &Event| partitions.contains(&event.record().partition);
            if user.waiting.iter().any(leaving) {
                let (leave, stay) = user.waiting.drain(..).partition(leaving);
                user.waiting = stay;
                let leave: VecDeque<Event> = leave;
                taken.extend(leave);
            }
        }
        for event in &taken {
            self.waiting.remove(event);
        }
        self.users
            .retain(|_, user| user.state == State::InFlight || !user.waiting.is_empty());
        taken
    }
}

impl User {
    fn ready(&self, id: Uuid) -> Option<ReadyUser> {
        let first = self.waiting.front()?;
        Some(ReadyUser {
            read_at: first.read_at(),
            id,
            isolated: first.isolated(),
        })
    }
}

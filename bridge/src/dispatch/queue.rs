//! Everything a group has read and not settled: users in order, their lanes, the frames in flight.
//!
//! A user is in at most one frame at a time. So its events stay in order whatever happens to a frame, it may change
//! lanes whenever it is not in flight, and it waits alone when one of its events is to be tried again.

mod answers;
mod beats;
mod hand_over;
mod packing;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::doorbell::Ring;
use super::lane::{Lane, rendezvous};
use super::marks::Marks;
use crate::log::{FOR_GROUP, Mark, Partition, Record};
use crate::metrics::Metrics;

/// The least time an agent has to answer a frame.
const PATIENCE: Duration = Duration::from_millis(500);

/// How frames are made.
#[derive(Clone, Debug)]
pub struct Limits {
    pub events: usize,
    pub bytes: usize,
    pub wait: Duration,
}

/// An event in hand and what it has been through.
#[derive(Debug)]
pub struct Held {
    pub record: Record,
    /// Of the partition's assignment: work of an earlier one is not ours to settle.
    assignment: u64,
    arrived: Instant,
    /// Frames with it that reached an agent.
    pub tries: u32,
    deaths: u32,
    retries: u32,
    /// The largest frame it may travel in.
    company: usize,
    pub first_failed: Option<SystemTime>,
}

impl Held {
    fn apart(&self) -> bool {
        self.deaths > 0 || self.company != usize::MAX
    }
}

/// Where a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Idle,
    /// In a lane's queue, or without a lane.
    Ready,
    Flying,
    /// Waits before an event is tried again.
    Waiting,
}

#[derive(Debug)]
struct User {
    waiting: VecDeque<Held>,
    place: Place,
}

/// A frame that has been sent, perhaps several times, and not answered.
#[derive(Debug)]
struct Flight {
    lane: String,
    epoch: u64,
    /// One for each sending; an answer to any of them counts, as it means that the effects are durable.
    names: Vec<(Uuid, Instant)>,
    sent: Instant,
    deadline: Instant,
    held: Vec<Held>,
}

/// What the queue wants done.
#[derive(Debug)]
pub enum Order {
    Ring(Ring),
    Bury { held: Box<Held>, reason: String },
}

/// A partition's readers are changing: what is in flight is waited for until `until`.
#[derive(Debug)]
struct HandOver {
    partitions: Vec<Partition>,
    settled: oneshot::Sender<()>,
    until: Instant,
}

pub struct Queue {
    group: &'static str,
    limits: Limits,
    reply_to: String,
    metrics: Metrics,
    /// Counts changes of assignment; an answer with another epoch than its frame's is ignored.
    epoch: u64,
    assigned: HashMap<Partition, u64>,
    users: HashMap<Uuid, User>,
    lanes: BTreeMap<String, Lane>,
    flights: HashMap<u64, Flight>,
    flown: u64,
    names: HashMap<Uuid, u64>,
    marks: Marks,
    waiting: BinaryHeap<Reverse<(Instant, Uuid)>>,
    burying: Vec<(Partition, i64)>,
    hand_overs: Vec<HandOver>,
    held: usize,
    /// False while answers cannot be heard: nothing is sent then.
    listening: bool,
    latencies: VecDeque<Duration>,
    patience: Duration,
    orders: Vec<Order>,
}

impl Queue {
    pub fn new(group: &'static str, limits: Limits, reply_to: String, metrics: Metrics) -> Self {
        Self {
            group,
            limits,
            reply_to,
            metrics,
            epoch: 1,
            assigned: HashMap::new(),
            users: HashMap::new(),
            lanes: BTreeMap::new(),
            flights: HashMap::new(),
            flown: 0,
            names: HashMap::new(),
            marks: Marks::default(),
            waiting: BinaryHeap::new(),
            burying: Vec::new(),
            hand_overs: Vec::new(),
            held: 0,
            listening: false,
            latencies: VecDeque::new(),
            patience: PATIENCE,
            orders: Vec::new(),
        }
    }

    /// Events read and not settled.
    pub fn held(&self) -> usize {
        self.held
    }

    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    pub fn partitions(&self) -> usize {
        self.assigned.len()
    }

    /// Lanes that may be given work.
    pub fn lanes(&self) -> usize {
        self.lanes.values().filter(|lane| !lane.deaf).count()
    }

    pub fn orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// How far each partition has got since the last time.
    pub fn marks(&mut self) -> Vec<Mark> {
        self.marks.take()
    }

    pub fn assign(&mut self, partitions: Vec<Partition>) {
        self.epoch += 1;
        for partition in partitions {
            self.assigned.insert(partition, self.epoch);
        }
    }

    /// Takes records that were read; they come in order of offset.
    pub fn read(&mut self, records: Vec<Record>, now: Instant) {
        for record in records {
            let Some(&assignment) = self.assigned.get(&record.partition) else {
                continue;
            };
            self.marks.read(&record.partition, record.offset);
            let for_other = record
                .entry
                .headers
                .get(FOR_GROUP)
                .is_some_and(|group| group != self.group);
            if for_other || self.handing_over(&record.partition) {
                if for_other {
                    self.marks.settle(&record.partition, record.offset);
                }
                continue;
            }
            self.held += 1;
            let id = record.entry.user;
            let held = Held {
                record,
                assignment,
                arrived: now,
                tries: 0,
                deaths: 0,
                retries: 0,
                company: usize::MAX,
                first_failed: None,
            };
            let user = self.users.entry(id).or_insert_with(|| User {
                waiting: VecDeque::new(),
                place: Place::Idle,
            });
            user.waiting.push_back(held);
            if user.place == Place::Idle {
                self.route(id);
            }
        }
    }

    /// Puts a user who is not in flight in its lane's queue. Without a lane it stays ready until there is one.
    fn route(&mut self, id: Uuid) {
        let Some(user) = self.users.get_mut(&id) else {
            return;
        };
        let Some(next) = user.waiting.front() else {
            self.users.remove(&id);
            return;
        };
        user.place = Place::Ready;
        let live = self
            .lanes
            .iter()
            .filter(|(_, lane)| !lane.deaf)
            .map(|(name, _)| name);
        let Some(name) = rendezvous(id, live).cloned() else {
            return;
        };
        let (apart, arrived) = (next.apart(), next.arrived);
        let Some(lane) = self.lanes.get_mut(&name) else {
            return;
        };
        if apart {
            lane.apart.push_back(id);
        } else {
            lane.ready.push_back(id);
            lane.since = Some(lane.since.map_or(arrived, |since| since.min(arrived)));
        }
    }

    /// The lanes have changed: every ready user finds its lane anew. Those in flight do so when they land.
    fn route_all(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.ready.clear();
            lane.apart.clear();
            lane.since = None;
        }
        let ready = self
            .users
            .iter()
            .filter(|(_, user)| user.place == Place::Ready);
        let mut ready: Vec<(Instant, Uuid)> = ready
            .filter_map(|(id, user)| Some((user.waiting.front()?.arrived, *id)))
            .collect();
        ready.sort_unstable();
        for (_, id) in ready {
            self.route(id);
        }
    }

    /// When something is due that no message will announce.
    pub fn wake(&self, now: Instant) -> Instant {
        let mut wake = now + Duration::from_millis(200);
        let waiting = self.waiting.peek().map(|Reverse((at, _))| *at);
        let frames = self
            .lanes
            .values()
            .filter(|lane| self.listening && lane.may_send());
        let frames = frames.filter_map(|lane| Some(lane.since? + self.limits.wait));
        let deadlines = self.flights.values().map(|flight| flight.deadline);
        let hand_overs = self.hand_overs.iter().map(|hand_over| hand_over.until);
        for at in waiting
            .into_iter()
            .chain(frames)
            .chain(deadlines)
            .chain(hand_overs)
        {
            wake = wake.min(at);
        }
        wake.max(now + Duration::from_millis(1))
    }
}

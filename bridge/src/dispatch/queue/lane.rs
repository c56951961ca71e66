//! One lane: the users queued on it, the frames it holds, and whether its agent may be given work.
//!
//! A lane is one Redis channel on which one agent process handles one message after the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::batch::Batch;
use super::event::Event;
use super::users::{ReadyUser, Users};
use crate::groups::Group;

/// How often a lane with work is sent a heartbeat while it answers them. Otherwise the interval doubles with each unanswered
/// one, so that heartbeats do not pile up before an agent that is slower than they come.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
const MAX_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(16);
/// The interval of an idle lane is this part of the time since it was last given events, so that an idle system costs
/// little.
const IDLE_FACTOR: u32 = 10;
const MAX_IDLE_INTERVAL: Duration = Duration::from_secs(5);

/// Why an agent cannot work, and what follows from it.
#[derive(Debug)]
pub struct Sickness {
    pub code: String,
    pub error: String,
    /// Whether only heartbeats were answered so. Then the answer to a heartbeat can also end it.
    only_heartbeats: bool,
    /// Answers that said so in a row.
    times: u32,
    /// No frame of events is sent until then. After that one is sent, to see whether the agent can work again.
    rest_until: Option<Instant>,
}

/// What a lane is fit for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitness {
    Fit,
    /// The agent answers that it cannot work.
    Sick,
    /// The agent owes an answer for too long.
    Deaf,
    /// Several processes subscribe to the lane.
    Shared,
}

#[derive(Debug)]
pub struct Lane {
    group: &'static Group,
    /// Users whose next event may share a frame with any other.
    ready: VecDeque<Uuid>,
    /// Users whose next event is isolated. They are served first.
    isolated: VecDeque<Uuid>,
    /// When the event was read that has waited longest in `ready`.
    oldest: Option<Instant>,
    in_flight: usize,
    /// When the lane was last given events, or else when it was found.
    worked: Instant,
    /// When the newest message that was answered had been sent. The lane is serial: it has handled everything that was sent
    /// before, or will never answer it.
    answered: Option<Instant>,
    /// When the last answer arrived.
    heard: Option<Instant>,
    /// Heartbeats without an answer, oldest first.
    heartbeats: VecDeque<(Uuid, Instant)>,
    next_heartbeat: Option<Instant>,
    deaf: bool,
    shared: bool,
    sickness: Option<Sickness>,
}

impl Lane {
    pub fn new(group: &'static Group, now: Instant) -> Self {
        Self {
            group,
            ready: VecDeque::new(),
            isolated: VecDeque::new(),
            oldest: None,
            in_flight: 0,
            worked: now,
            answered: None,
            heard: None,
            heartbeats: VecDeque::new(),
            next_heartbeat: None,
            deaf: false,
            shared: false,
            sickness: None,
        }
    }

    pub fn fitness(&self) -> Fitness {
        match (self.shared, self.deaf, &self.sickness) {
            (true, _, _) => Fitness::Shared,
            (_, true, _) => Fitness::Deaf,
            (_, _, Some(_)) => Fitness::Sick,
            _ => Fitness::Fit,
        }
    }

    pub fn sickness(&self) -> Option<&Sickness> {
        self.sickness.as_ref()
    }

    /// True if users may be queued here. A sick lane takes users while it does not rest, because only work shows whether it is
    /// well again.
    pub fn takes_users(&self) -> bool {
        let rests = || {
            let sickness = self.sickness.as_ref();
            sickness.is_some_and(|sickness| sickness.rest_until.is_some())
        };
        !self.deaf && !self.shared && !rests()
    }

    /// True if the lane may be given another frame.
    pub fn has_credit(&self) -> bool {
        let credit = if self.sickness.is_some() {
            1
        } else {
            self.group.credit
        };
        self.takes_users() && self.in_flight < credit
    }

    /// The lane is given events at `now`. A heartbeat follows them soon, whose answer shows if the agent has dropped them.
    pub fn take_credit(&mut self, now: Instant) {
        self.in_flight += 1;
        self.worked = now;
        self.hasten_heartbeat(now);
    }

    pub fn return_credit(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub fn enqueue(&mut self, user: ReadyUser) {
        if user.isolated {
            self.isolated.push_back(user.id);
        } else {
            self.ready.push_back(user.id);
            self.oldest = Some(
                self.oldest
                    .map_or(user.read_at, |oldest| oldest.min(user.read_at)),
            );
        }
    }

    pub fn clear_queues(&mut self) {
        self.ready.clear();
        self.isolated.clear();
        self.oldest = None;
    }

    /// The events of the next frame, if the lane has credit and a frame is due.
    pub fn next_batch(&mut self, users: &mut Users, now: Instant) -> Option<Vec<Event>> {
        if !self.has_credit() {
            return None;
        }
        let limits = &self.group.frame;
        if !self.isolated.is_empty() {
            return take_batch(&mut self.isolated, users, Batch::new(limits, true));
        }
        if !self.batch_due(users, now) {
            return None;
        }
        let batch = take_batch(&mut self.ready, users, Batch::new(limits, false));
        // Those who are left were waiting for credit, so their time counts from when they were read.
        self.oldest = self
            .ready
            .front()
            .and_then(|user| users.first_read_at(*user));
        batch
    }

    /// True if the queued users can fill a frame, or the oldest event has waited long enough.
    fn batch_due(&self, users: &Users, now: Instant) -> bool {
        let limits = &self.group.frame;
        let waited = self
            .oldest
            .is_some_and(|oldest| now.duration_since(oldest) >= limits.wait);
        let events = || {
            let candidates = self.ready.iter().take(limits.events);
            candidates
                .map(|user| users.waiting_of(*user))
                .sum::<usize>()
        };
        !self.ready.is_empty() && (waited || events() >= limits.events)
    }

    /// When a frame that is not full becomes due, if the lane has credit for it.
    pub fn batch_due_at(&self) -> Option<Instant> {
        Some(self.oldest.filter(|_| self.has_credit())? + self.group.frame.wait)
    }

    /// Records an answer to a message that was sent at `sent`. Returns true if the lane was deaf until now.
    pub fn answered(&mut self, sent: Instant, now: Instant) -> bool {
        self.answered = Some(self.answered.map_or(sent, |before| before.max(sent)));
        self.heard = Some(now);
        self.heartbeats.retain(|(_, at)| *at > sent);
        self.hasten_heartbeat(now);
        std::mem::take(&mut self.deaf)
    }

    /// Puts the next heartbeat no later than it would be if all were answered.
    fn hasten_heartbeat(&mut self, now: Instant) {
        let at = now + self.heartbeat_interval(now);
        self.next_heartbeat = self.next_heartbeat.map(|next| next.min(at));
    }

    /// The time between two heartbeats while the lane answers them.
    fn heartbeat_interval(&self, now: Instant) -> Duration {
        if self.in_flight > 0 {
            return HEARTBEAT_INTERVAL;
        }
        let idle = now.duration_since(self.worked);
        (idle / IDLE_FACTOR).clamp(HEARTBEAT_INTERVAL, MAX_IDLE_INTERVAL)
    }

    /// True if the lane has answered a message that was sent after `sent`.
    pub fn answered_after(&self, sent: Instant) -> bool {
        self.answered.is_some_and(|answered| answered > sent)
    }

    /// Starts a heartbeat if one is due, and returns the id of its frame.
    pub fn start_heartbeat(&mut self, now: Instant) -> Option<Uuid> {
        if self.next_heartbeat.is_some_and(|at| at > now) {
            return None;
        }
        let frame = Uuid::new_v4();
        let unanswered = u32::try_from(self.heartbeats.len()).unwrap_or(u32::MAX);
        let interval = self
            .heartbeat_interval(now)
            .saturating_mul(2_u32.saturating_pow(unanswered))
            .min(MAX_HEARTBEAT_INTERVAL);
        self.next_heartbeat = Some(now + interval);
        self.heartbeats.push_back((frame, now));
        Some(frame)
    }

    /// When the next heartbeat is due, if the first has been sent.
    pub fn next_heartbeat(&self) -> Option<Instant> {
        self.next_heartbeat
    }

    /// When an unanswered heartbeat was sent.
    pub fn heartbeat_sent(&self, frame: Uuid) -> Option<Instant> {
        let heartbeat = self.heartbeats.iter().find(|(id, _)| *id == frame);
        heartbeat.map(|(_, sent)| *sent)
    }

    /// Forgets unanswered heartbeats, whose answers may have been missed. The next one is due at once.
    pub fn forget_heartbeats(&mut self) {
        self.heartbeats.clear();
        self.next_heartbeat = None;
    }

    /// Makes the lane deaf if it has owed the answer to a heartbeat for too long without answering anything. Returns true if
    /// it was not deaf before.
    pub fn check_heartbeats(&mut self, now: Instant) -> bool {
        let silent_since = self
            .heartbeats
            .front()
            .map(|(_, sent)| self.heard.map_or(*sent, |heard| heard.max(*sent)));
        let overdue =
            silent_since.is_some_and(|since| now.duration_since(since) >= self.group.deaf_after);
        overdue && !std::mem::replace(&mut self.deaf, true)
    }

    /// Records how many processes received a message: one, or several. Returns whether that has changed.
    pub fn set_shared(&mut self, shared: bool) -> bool {
        std::mem::replace(&mut self.shared, shared) != shared
    }

    /// The agent answered that it cannot work. Returns how often it did so in a row. Several frames that were in flight
    /// together count once.
    pub fn unwell(&mut self, code: String, error: String, heartbeat: bool) -> u32 {
        let before = self.sickness.take();
        let times = before.as_ref().map_or(1, |before| {
            before
                .times
                .saturating_add(u32::from(before.rest_until.is_none()))
        });
        self.sickness = Some(Sickness {
            code,
            error,
            only_heartbeats: heartbeat
                && before.as_ref().is_none_or(|before| before.only_heartbeats),
            times,
            rest_until: before.and_then(|before| before.rest_until),
        });
        times
    }

    /// A sick lane gets no frame of events until then.
    pub fn rest(&mut self, until: Instant) {
        if let Some(sickness) = &mut self.sickness {
            let later = sickness
                .rest_until
                .map_or(until, |before| before.max(until));
            sickness.rest_until = Some(later);
        }
    }

    /// Ends the rest of a sick lane if it is over. Returns whether it ended.
    pub fn end_rest(&mut self, now: Instant) -> bool {
        let rest = self
            .sickness
            .as_mut()
            .map(|sickness| &mut sickness.rest_until);
        rest.is_some_and(|rest| rest.take_if(|until| *until <= now).is_some())
    }

    /// When the rest of a sick lane is over.
    pub fn rest_until(&self) -> Option<Instant> {
        self.sickness.as_ref()?.rest_until
    }

    /// The agent has processed a frame of events, or answered a heartbeat. Returns whether the lane was sick and is not any
    /// more. An agent may answer heartbeats and be unable to apply events, so a heartbeat ends a sickness only if no event
    /// waits to show more, or if only heartbeats had shown it.
    pub fn well(&mut self, heartbeat: bool, idle: bool) -> bool {
        let sickness = self
            .sickness
            .take_if(|sickness| !heartbeat || idle || sickness.only_heartbeats);
        sickness.is_some()
    }
}

fn take_batch(
    queue: &mut VecDeque<Uuid>,
    users: &mut Users,
    mut batch: Batch,
) -> Option<Vec<Event>> {
    while let Some(&user) = queue.front() {
        if !users.move_into(user, &mut batch) {
            break;
        }
        queue.pop_front();
    }
    batch.into_events()
}

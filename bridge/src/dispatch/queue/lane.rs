//! One lane: the users queued on it, the frames it holds, and whether its agent answers heartbeats.
//!
//! A lane is one Redis channel on which one agent process handles one message after the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::batch::{Batch, Limits};
use super::event::Event;
use super::users::{ReadyUser, Users};

/// Frames that a lane may hold: one running and one queued. A crash of the agent then repeats two frames, not a backlog.
pub const CREDIT: usize = 2;
/// How often a lane is sent a heartbeat.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a heartbeat may stay unanswered before the lane is deaf.
pub const DEAF_AFTER: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub struct Lane {
    /// Users whose next event may share a frame with any other.
    ready: VecDeque<Uuid>,
    /// Users whose next event is isolated. They are served first.
    isolated: VecDeque<Uuid>,
    /// When the event was read that has waited longest in `ready`.
    oldest: Option<Instant>,
    in_flight: usize,
    /// When the newest message that was answered had been sent. The lane is serial: it has handled everything that was sent
    /// before, or will never answer it.
    answered: Option<Instant>,
    /// Heartbeats without an answer, oldest first.
    heartbeats: VecDeque<(Uuid, Instant)>,
    next_heartbeat: Option<Instant>,
    /// Set while the agent owes an answer for too long. A deaf lane gets no new work.
    deaf: bool,
}

impl Lane {
    pub fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// True if the lane may be given another frame.
    pub fn has_credit(&self) -> bool {
        !self.deaf && self.in_flight < CREDIT
    }

    pub fn take_credit(&mut self) {
        self.in_flight += 1;
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
    pub fn next_batch(
        &mut self,
        users: &mut Users,
        limits: &Limits,
        now: Instant,
    ) -> Option<Vec<Event>> {
        if !self.has_credit() {
            return None;
        }
        if !self.isolated.is_empty() {
            return take_batch(&mut self.isolated, users, Batch::new(limits, true));
        }
        if !self.batch_due(users, limits, now) {
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
    fn batch_due(&self, users: &Users, limits: &Limits, now: Instant) -> bool {
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
    pub fn batch_due_at(&self, limits: &Limits) -> Option<Instant> {
        Some(self.oldest.filter(|_| self.has_credit())? + limits.wait)
    }

    /// Records an answer to a message that was sent at `sent`. Returns true if the lane was deaf until now.
    pub fn answered(&mut self, sent: Instant) -> bool {
        self.answered = Some(self.answered.map_or(sent, |before| before.max(sent)));
        self.heartbeats.retain(|(_, at)| *at > sent);
        std::mem::take(&mut self.deaf)
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
        self.next_heartbeat = Some(now + HEARTBEAT_INTERVAL);
        self.heartbeats.push_back((frame, now));
        Some(frame)
    }

    /// When an unanswered heartbeat was sent.
    pub fn heartbeat_sent(&self, frame: Uuid) -> Option<Instant> {
        let heartbeat = self.heartbeats.iter().find(|(id, _)| *id == frame);
        heartbeat.map(|(_, sent)| *sent)
    }

    pub fn forget_heartbeats(&mut self) {
        self.heartbeats.clear();
    }

    /// Makes the lane deaf if a heartbeat is overdue. Returns true if the lane was not deaf before.
    pub fn check_heartbeats(&mut self, now: Instant) -> bool {
        let oldest = self.heartbeats.front();
        let overdue = oldest.is_some_and(|(_, sent)| now.duration_since(*sent) >= DEAF_AFTER);
        overdue && !std::mem::replace(&mut self.deaf, true)
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

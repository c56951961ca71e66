//! A queue with its clock, and what it has asked for so far.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use domain::frame::{Frame, Kind, Outcome};
use tokio::sync::oneshot;
use uuid::Uuid;

pub use super::sent::{Body, LATER_MS, Sent};
use crate::dispatch::queue::{Action, DeadLetter, Fitness, Queue, Settings};
use crate::groups::{FrameLimits, Group, USUAL};
use crate::log::{Entry, Headers, Partition, Record};
use crate::metrics::Metrics;
use crate::policy::{self, Failure, Fate};

/// How long an event waits for its next try here. Real delays are random.
pub const BACKOFF: Duration = Duration::from_millis(100);
pub const MS: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);
/// Frames wait this long to be filled.
pub const FRAME_WAIT: Duration = Duration::from_millis(2);
/// Events in a full frame.
pub const FULL: usize = 4;

pub struct Harness {
    pub queue: Queue,
    pub now: Instant,
    /// Dead letters that have not been written yet.
    pub letters: Vec<DeadLetter>,
    sent: Vec<Sent>,
    heartbeats: Vec<Sent>,
    marks: HashMap<Partition, i64>,
    offsets: HashMap<Partition, i64>,
    seqs: HashMap<u64, u64>,
}

impl Harness {
    /// A subscribed queue that reads partition 0 and has found these lanes. Their first heartbeats are answered.
    pub fn new(lanes: &[&str]) -> Self {
        let mut harness = Self::unsubscribed(4 * 1024);
        harness.queue.subscribed();
        harness.queue.assign(&[partition(0)]);
        harness.found(lanes);
        harness.answer_heartbeats();
        harness
    }

    /// A queue that knows nothing yet, with frames of up to so many bytes.
    pub fn unsubscribed(frame_bytes: usize) -> Self {
        Self::of(group(frame_bytes))
    }

    /// A queue of this group that knows nothing yet.
    pub fn of(group: Group) -> Self {
        let settings = Settings {
            group: Box::leak(Box::new(group)),
            reply_to: "spindle.ack.test".to_owned(),
            policy: steady,
            metrics: Metrics::new().unwrap(),
            traced: false,
        };
        Self {
            queue: Queue::new(settings),
            now: Instant::now(),
            letters: Vec::new(),
            sent: Vec::new(),
            heartbeats: Vec::new(),
            marks: HashMap::new(),
            offsets: HashMap::new(),
            seqs: HashMap::new(),
        }
    }

    /// Does what the dispatch loop does after each message, and notes what the queue asks for.
    pub fn run(&mut self) {
        self.queue.tick(self.now);
        self.queue.send_due(self.now);
        for action in self.queue.take_actions() {
            match action {
                Action::Publish(message) => {
                    let frame: Frame = serde_json::from_slice(&message.body).unwrap();
                    assert_eq!((frame.frame, &frame.lane), (message.frame, &message.lane));
                    let events = frame.events.iter();
                    let events = events.map(|event| serde_json::from_str(event.get()).unwrap());
                    let events = events.collect();
                    match frame.kind {
                        Kind::Heartbeat => self.heartbeats.push(Sent { frame, events }),
                        _ => self.sent.push(Sent { frame, events }),
                    }
                }
                Action::DeadLetter(letter) => self.letters.push(*letter),
                Action::Trace(_) => {}
            }
        }
        for mark in self.queue.take_marks() {
            let before = self.marks.insert(mark.partition, mark.next);
            assert!(
                before.is_none_or(|before| before < mark.next),
                "marks only grow"
            );
        }
        self.queue.finish_hand_overs(self.now);
    }

    pub fn wait(&mut self, duration: Duration) {
        self.now += duration;
        self.run();
    }

    pub fn found(&mut self, lanes: &[&str]) {
        let lanes = lanes.iter().map(|lane| (*lane).to_owned()).collect();
        self.queue.lanes_found(lanes, self.now);
        self.run();
    }

    /// The log has this many more events of the user, all in partition 0.
    pub fn read(&mut self, user: u64, count: usize) {
        self.read_from(0, user, count);
    }

    pub fn read_from(&mut self, number: i32, user: u64, count: usize) {
        for _ in 0..count {
            self.read_record(number, user, 0, Headers::new());
        }
    }

    /// One more event, with `padding` bytes beyond the usual.
    pub fn read_record(&mut self, number: i32, user: u64, padding: usize, headers: Headers) {
        self.read_next(number, user, |record, body| {
            record.entry.event = event(body, padding);
            record.entry.headers = headers;
        });
    }

    /// One more event, of this type.
    pub fn read_typed(&mut self, number: i32, user: u64, kind: &str) {
        self.read_next(number, user, |record, Body { user, seq }| {
            let event = format!(r#"{{"type":"{kind}","user":{user},"seq":{seq}}}"#);
            record.entry.event = Bytes::from(event);
        });
    }

    /// One more event, as changed.
    fn read_next(&mut self, number: i32, user: u64, change: impl FnOnce(&mut Record, Body)) {
        let (next, seq) = (
            self.offsets.entry(partition(number)).or_default(),
            self.seqs.entry(user).or_default(),
        );
        let body = Body { user, seq: *seq };
        let mut record = record(partition(number), *next, body, 0);
        change(&mut record, body);
        (*next, *seq) = (*next + 1, *seq + 1);
        self.queue.read(vec![record], self.now);
        self.run();
    }

    /// Reads the partition again from its first record, as its next reader does.
    pub fn read_again(&mut self, number: i32, bodies: &[(u64, u64)]) {
        let bodies = bodies.iter().zip(0..);
        let records = bodies.map(|((user, seq), offset)| {
            let (user, seq) = (*user, *seq);
            record(partition(number), offset, Body { user, seq }, 0)
        });
        self.queue.read(records.collect(), self.now);
        self.run();
    }

    /// The frames published since the last call.
    pub fn sent(&mut self) -> Vec<Sent> {
        self.run();
        std::mem::take(&mut self.sent)
    }

    /// The one frame published since the last call.
    pub fn one(&mut self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    /// The one frame published once it had waited to be filled.
    pub fn next(&mut self) -> Sent {
        self.wait(FRAME_WAIT);
        self.one()
    }

    pub fn nothing_sent(&mut self) {
        let sent = self.sent();
        assert!(sent.is_empty(), "{sent:?}");
    }

    /// Redis reports how many subscribers a frame reached.
    pub fn published(&mut self, sent: &Sent, receivers: Option<u64>) {
        let (frame, lane) = (sent.frame.frame, sent.lane());
        self.queue.published(frame, lane, receivers, self.now);
        self.run();
    }

    pub fn answer(&mut self, sent: &Sent, outcomes: impl IntoIterator<Item = Outcome>) {
        self.queue.answer(sent.ack(outcomes), self.now);
        self.run();
    }

    /// Answers every event of the frame alike.
    pub fn answer_all(&mut self, sent: &Sent, outcome: Outcome) {
        self.answer(sent, sent.events.iter().map(|_| outcome));
    }

    pub fn done(&mut self, sent: &Sent) {
        self.answer_all(sent, Outcome::Done);
    }

    /// The agent answers that it cannot work.
    pub fn unwell(&mut self, sent: &Sent) {
        self.queue.answer(sent.unwell(), self.now);
        self.run();
    }

    /// Lanes that may be given work.
    pub fn fit_lanes(&self) -> usize {
        self.queue.lanes(Fitness::Fit)
    }

    /// The heartbeats published since the last call.
    pub fn heartbeats(&mut self) -> Vec<Sent> {
        self.run();
        std::mem::take(&mut self.heartbeats)
    }

    pub fn answer_heartbeats(&mut self) {
        for heartbeat in self.heartbeats() {
            self.answer(&heartbeat, []);
        }
    }

    /// The log confirms all dead letters.
    pub fn write_letters(&mut self) {
        for letter in std::mem::take(&mut self.letters) {
            self.queue.dead_letter_written(letter.id);
        }
        self.run();
    }

    /// The log refuses all dead letters for now.
    pub fn refuse_letters(&mut self) {
        for letter in &self.letters {
            self.queue.dead_letter_failed(letter.id);
        }
        self.run();
    }

    /// The mark of the partition so far.
    pub fn mark(&self, number: i32) -> i64 {
        self.marks.get(&partition(number)).copied().unwrap_or(0)
    }

    /// Revokes the partition with a hand-over of up to `limit`.
    pub fn hand_over(&mut self, number: i32, limit: Duration) -> oneshot::Receiver<()> {
        let (settled, done) = oneshot::channel();
        let partitions = vec![partition(number)];
        self.queue
            .revoke(partitions, Some(settled), limit, self.now);
        self.run();
        done
    }

    /// Takes the partition away at once, as when the session with the log is lost.
    pub fn lose(&mut self, number: i32) {
        let partitions = vec![partition(number)];
        self.queue.revoke(partitions, None, SECOND, self.now);
        self.run();
    }
}

/// A group with small frames.
pub fn group(frame_bytes: usize) -> Group {
    Group {
        name: "audit",
        frame: FrameLimits {
            events: FULL,
            bytes: frame_bytes,
            wait: FRAME_WAIT,
        },
        ..USUAL
    }
}

/// The real policy with known delays instead of random ones. An agent knows how long `later` waits.
pub fn steady(failure: &Failure<'_>) -> Fate {
    match policy::decide(failure) {
        Fate::Retry { after, together }
            if !after.is_zero() && !matches!(failure, Failure::Later { .. }) =>
        {
            Fate::Retry {
                after: BACKOFF,
                together,
            }
        }
        fate => fate,
    }
}

pub fn partition(number: i32) -> Partition {
    Partition {
        topic: "t".into(),
        number,
    }
}

pub fn record(partition: Partition, offset: i64, body: Body, padding: usize) -> Record {
    let Body { user, seq } = body;
    Record {
        partition,
        offset,
        appended_at: SystemTime::UNIX_EPOCH,
        entry: Entry {
            user: Uuid::from_u128(user.into()),
            event_id: Uuid::from_u64_pair(user, seq),
            event: event(body, padding),
            headers: Headers::new(),
        },
    }
}

fn event(Body { user, seq }: Body, padding: usize) -> Bytes {
    let padding = "-".repeat(padding);
    Bytes::from(format!(
        r#"{{"user":{user},"seq":{seq},"padding":"{padding}"}}"#
    ))
}

/// The numbers of one user's events in a frame.
pub fn seqs_of(sent: &Sent, user: u64) -> Vec<u64> {
    let events = sent.events.iter().filter(|event| event.user == user);
    events.map(|event| event.seq).collect()
}

pub fn users_of(sent: &[Sent]) -> BTreeSet<u64> {
    sent.iter()
        .flat_map(|sent| &sent.events)
        .map(|event| event.user)
        .collect()
}

//! A running dispatch for one test, with a Redis and an event log that no other test uses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge::dispatch::Dispatch;
use bridge::doorbell::Doorbell;
use bridge::groups::GROUPS;
use bridge::health::Health;
use bridge::log::Record;
use bridge::traces::Traces;
use domain::frame::{EventResult, Frame, Kind as FrameKind, Outcome};
use prometheus::IntGauge;
use stage::scratch::Scratch;
use stage::services::Redis;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::agent::{Agent, Frames, Reply, Seen, done, results};
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT, redis_settings};

/// A running dispatch for the group `audit`. The Redis is its own, because one test stops it.
pub struct DispatchFixture {
    pub log: LogFixture,
    pub redis: Redis,
    pub health: Health,
    pub stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    seen: Frames,
    _dir: Scratch,
}

impl DispatchFixture {
    pub async fn start() -> Self {
        let dir = Scratch::new("redis").unwrap();
        let redis = Redis::start(dir.path()).await.unwrap();
        let log = LogFixture::new(LogKind::Postgres).await;
        let (health, stop) = (Health::default(), CancellationToken::new());
        let dispatch = Dispatch {
            bridge: Uuid::new_v4(),
            group: &GROUPS[0],
            doorbell: Doorbell::open(&redis_settings(&redis), health.clone()).unwrap(),
            log: log.log.clone(),
            metrics: log.metrics.clone(),
            traces: Traces::default(),
            health: health.clone(),
            stop: stop.clone(),
            stop_within: Duration::from_secs(5),
        };
        let running = tokio::spawn(dispatch.run());
        Self {
            log,
            redis,
            health,
            stop,
            running,
            seen: Frames::default(),
            _dir: dir,
        }
    }

    /// Starts an agent on a lane of the group `audit`.
    pub async fn agent(
        &self,
        lane: &str,
        handle: impl FnMut(&Frame) -> Reply + Send + 'static,
    ) -> Agent {
        Agent::start(
            &self.redis.url(),
            &format!("spindle.audit.test.{lane}"),
            self.seen.clone(),
            handle,
        )
        .await
    }

    /// Starts an agent that answers its first frame only once the returned answer is released; until then it handles
    /// nothing.
    pub async fn agent_with_delayed_answer(&self, lane: &str) -> (Agent, DelayedAnswer) {
        let (release, gate) = oneshot::channel();
        let (mut gate, answer) = (Some(gate), Arc::new(Mutex::new(Vec::new())));
        let kept = answer.clone();
        let agent = self.agent(lane, move |frame| {
            if frame.kind != FrameKind::Events {
                return done(frame);
            }
            match gate.take() {
                Some(gate) => {
                    *kept.lock().unwrap() = results(frame, |_| Outcome::Done);
                    Reply::Delayed(gate)
                }
                None => done(frame),
            }
        });
        (agent.await, DelayedAnswer { release, answer })
    }

    /// Waits until dispatch has found this many lanes.
    pub async fn lanes(&self, count: i64) {
        let lanes = self.log.metrics.lanes.with_label_values(&["audit"]);
        eventually(TIMEOUT, "dispatch knows its lanes", async || {
            lanes.get() == count
        })
        .await;
    }

    /// Waits until a gauge of the metrics has this value.
    pub async fn gauge(&self, what: &str, gauge: &IntGauge, value: i64) {
        eventually(TIMEOUT, what, async || gauge.get() == value).await;
    }

    /// How many lanes get no work for this reason.
    pub fn unfit_lanes(&self, state: &str) -> IntGauge {
        let lanes = &self.log.metrics.unfit_lanes;
        lanes.with_label_values(&["audit", state])
    }

    pub async fn emit(&self, user: Uuid, first: usize, count: usize) -> Vec<Uuid> {
        self.log.emit("task-events", user, first, count).await
    }

    pub async fn relay(&self) {
        self.log.relay_all().await;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the group has settled every record in the log.
    pub async fn settled(&self, limit: Duration) {
        eventually(limit, "the group has settled every record", async || {
            self.log
                .log
                .lag(&GROUPS[0])
                .await
                .unwrap()
                .iter()
                .all(|(_, behind)| *behind == 0)
        })
        .await;
    }

    /// Relays the outbox and waits until the group has settled every record.
    pub async fn deliver(&self) {
        self.relay().await;
        self.settled(TIMEOUT).await;
    }

    pub async fn dead_letters(&self) -> Vec<Record> {
        self.log.log.scan("task-events.dlq").await.unwrap()
    }

    /// Event ids of the dead letters, oldest first.
    pub async fn dead_letter_ids(&self) -> Vec<Uuid> {
        let letters = self.dead_letters().await;
        letters.iter().map(|letter| letter.entry.event_id).collect()
    }

    /// Asserts that there is exactly one dead letter, that of `event`, and returns it.
    pub async fn only_dead_letter(&self, event: Uuid) -> Record {
        assert_eq!(self.dead_letter_ids().await, [event]);
        self.dead_letters().await.remove(0)
    }

    /// Stops dispatch as SIGTERM does, and fails the test where it does not stop.
    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(TIMEOUT, self.running)
            .await
            .expect("dispatch did not stop")
            .unwrap()
            .unwrap();
    }
}

/// An agent's answer to its first frame, which is sent on request.
pub struct DelayedAnswer {
    release: oneshot::Sender<Vec<EventResult>>,
    answer: Arc<Mutex<Vec<EventResult>>>,
}

impl DelayedAnswer {
    pub fn release(self) {
        let answer = self.answer.lock().unwrap().clone();
        self.release.send(answer).unwrap();
    }
}

/// The sequence numbers of each user's events, in the order in which agents first received them.
pub fn first_seen(seen: &[Seen]) -> HashMap<Uuid, Vec<usize>> {
    let mut by_user: HashMap<Uuid, Vec<usize>> = HashMap::new();
    for event in seen.iter().flat_map(|frame| &frame.events) {
        let numbers = by_user.entry(event.userid).or_default();
        if !numbers.contains(&event.seq) {
            numbers.push(event.seq);
        }
    }
    by_user
}

pub fn header<'a>(record: &'a Record, name: &str) -> &'a str {
    &record.entry.headers[name]
}

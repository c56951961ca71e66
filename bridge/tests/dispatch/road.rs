//! What each scenario stands on: a running dispatch with a Redis and a log of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge::config::Secret;
use bridge::dispatch::Dispatch;
use bridge::health::Health;
use bridge::log::Record;
use bridge::topics::GROUPS;
use domain::frame::{EventResult, Frame, Kind as FrameKind, Outcome};
use stage::scratch::Scratch;
use stage::services::Redis;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::agent::{Agent, Frames, Reply, Seen, done, results};
use crate::support::wait::eventually;
use crate::support::{Ground, Kind, SOON, frames};

/// A running dispatch with a Redis and a log of its own.
pub struct Road {
    pub ground: Ground,
    pub redis: Redis,
    pub health: Health,
    pub stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    seen: Frames,
    _dir: Scratch,
}

impl Road {
    pub async fn start() -> Self {
        let dir = Scratch::new("redis").unwrap();
        let redis = Redis::start(dir.path()).await.unwrap();
        let ground = Ground::new(Kind::Postgres).await;
        let (health, stop) = (Health::default(), CancellationToken::new());
        let dispatch = Dispatch {
            bridge: Uuid::new_v4(),
            group: &GROUPS[0],
            redis_url: Secret::new(redis.url()),
            frames: frames(),
            log: ground.log.clone(),
            metrics: ground.metrics.clone(),
            health: health.clone(),
            stop: stop.clone(),
            stop_within: Duration::from_secs(5),
        };
        let running = tokio::spawn(dispatch.run());
        Self {
            ground,
            redis,
            health,
            stop,
            running,
            seen: Frames::default(),
            _dir: dir,
        }
    }

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

    /// An agent that keeps its first frame until it is released, and handles nothing meanwhile.
    pub async fn hesitant_agent(&self, lane: &str) -> (Agent, HeldBack) {
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
                    Reply::When(gate)
                }
                None => done(frame),
            }
        });
        (agent.await, HeldBack { release, answer })
    }

    /// Waits until dispatch knows so many lanes.
    pub async fn lanes(&self, count: i64) {
        let lanes = self.ground.metrics.lanes.with_label_values(&["audit"]);
        eventually(SOON, "the lanes are known", async || lanes.get() == count).await;
    }

    pub async fn emit(&self, user: Uuid, first: usize, count: usize) -> Vec<Uuid> {
        self.ground.emit("task-events", user, first, count).await
    }

    pub async fn relay(&self) {
        self.ground.relay_all().await;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the group has settled everything in the log.
    pub async fn settled(&self, limit: Duration) {
        eventually(limit, "everything is settled", async || {
            self.ground
                .log
                .lag(&GROUPS[0])
                .await
                .unwrap()
                .iter()
                .all(|(_, behind)| *behind == 0)
        })
        .await;
    }

    /// Sends what was emitted on its way, and waits until the group has settled all of it.
    pub async fn deliver(&self) {
        self.relay().await;
        self.settled(SOON).await;
    }

    pub async fn dead_letters(&self) -> Vec<Record> {
        self.ground.log.scan("task-events.dlq").await.unwrap()
    }

    /// The ids of the events that are dead letters.
    pub async fn buried(&self) -> Vec<Uuid> {
        let letters = self.dead_letters().await;
        letters.iter().map(|letter| letter.entry.event_id).collect()
    }

    /// The one dead letter there is, which is to be this event's.
    pub async fn only_letter(&self, event: Uuid) -> Record {
        assert_eq!(self.buried().await, [event]);
        self.dead_letters().await.remove(0)
    }

    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(SOON, self.running)
            .await
            .expect("dispatch did not stop")
            .unwrap()
            .unwrap();
    }
}

/// The answer of an agent to its first frame, which it gives when told to.
pub struct HeldBack {
    release: oneshot::Sender<Vec<EventResult>>,
    answer: Arc<Mutex<Vec<EventResult>>>,
}

impl HeldBack {
    pub fn release(self) {
        let answer = self.answer.lock().unwrap().clone();
        self.release.send(answer).unwrap();
    }
}

/// The numbers of each user's events, in the order in which agents saw them for the first time.
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

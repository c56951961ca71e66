//! Dispatch against agents that speak the frame protocol over a real Redis.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge::config::Secret;
use bridge::dead_letter::{ATTEMPTS, ERROR, GROUP, OFFSET, TOPIC};
use bridge::dispatch::Dispatch;
use bridge::health::Health;
use bridge::log::Record;
use bridge::topics::GROUPS;
use dev::scratch::Scratch;
use dev::services::Redis;
use domain::frame::{Kind as FrameKind, Outcome};
use support::agent::{Agent, Frames, Reply, Seen, done, events, results};
use support::wait::eventually;
use support::{Ground, Kind, SOON, frames};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A running dispatch with a Redis and a log of its own.
struct Road {
    ground: Ground,
    redis: Redis,
    health: Health,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    seen: Frames,
    _dir: Scratch,
}

impl Road {
    async fn start() -> Self {
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

    async fn agent(
        &self,
        lane: &str,
        handle: impl FnMut(&domain::frame::Frame) -> Reply + Send + 'static,
    ) -> Agent {
        Agent::start(
            &self.redis.url(),
            &format!("spindle.audit.test.{lane}"),
            self.seen.clone(),
            handle,
        )
        .await
    }

    async fn emit(&self, user: Uuid, first: usize, count: usize) -> Vec<Uuid> {
        self.ground.emit("task-events", user, first, count).await
    }

    async fn relay(&self) {
        self.ground.relay_all().await;
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the group has settled everything in the log.
    async fn settled(&self, limit: Duration) {
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

    async fn dead_letters(&self) -> Vec<Record> {
        self.ground.log.scan("task-events.dlq").await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(SOON, self.running)
            .await
            .expect("dispatch did not stop")
            .unwrap()
            .unwrap();
    }
}

/// The numbers of each user's events, in the order in which agents saw them for the first time.
fn first_seen(seen: &[Seen]) -> HashMap<Uuid, Vec<usize>> {
    let mut by_user: HashMap<Uuid, Vec<usize>> = HashMap::new();
    for event in seen.iter().flat_map(|frame| &frame.events) {
        let numbers = by_user.entry(event.userid).or_default();
        if !numbers.contains(&event.seq) {
            numbers.push(event.seq);
        }
    }
    by_user
}

fn header<'a>(record: &'a Record, name: &str) -> &'a str {
    &record.entry.headers[name]
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_once_in_order_and_each_user_keeps_its_lane() {
    let road = Road::start().await;
    let _agents = (road.agent("0", done).await, road.agent("1", done).await);
    let users: Vec<Uuid> = (0..40).map(|_| Uuid::new_v4()).collect();
    for round in 0..10 {
        for user in &users {
            road.emit(*user, round * 5, 5).await;
        }
    }
    road.relay().await;
    road.settled(SOON).await;
    let seen = road.seen();
    assert_eq!(
        seen.iter().map(|frame| frame.events.len()).sum::<usize>(),
        2_000,
        "each event once"
    );
    assert!(
        seen.iter()
            .all(|frame| frame.events.len() <= 64 && frame.attempt == 1)
    );
    let by_user = first_seen(&seen);
    assert!(
        users
            .iter()
            .all(|user| by_user[user] == (0..50).collect::<Vec<_>>())
    );
    let mut lanes: HashMap<Uuid, BTreeSet<&str>> = HashMap::new();
    for frame in &seen {
        for event in &frame.events {
            lanes.entry(event.userid).or_default().insert(&frame.lane);
        }
    }
    assert!(lanes.values().all(|lanes| lanes.len() == 1));
    assert_eq!(
        seen.iter()
            .map(|frame| &frame.lane)
            .collect::<BTreeSet<_>>()
            .len(),
        2,
        "both lanes are used"
    );
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_holds_two_frames_and_no_more() {
    let road = Road::start().await;
    let (release, gate) = tokio::sync::oneshot::channel();
    let mut gate = Some(gate);
    let all: Arc<Mutex<Vec<domain::frame::EventResult>>> = Arc::default();
    let first = all.clone();
    // Every message that Redis delivers is counted, whether or not the agent has come to it.
    let client = redis::Client::open(road.redis.url()).unwrap();
    let mut listener = client.get_async_pubsub().await.unwrap();
    listener.psubscribe("spindle.audit.*").await.unwrap();
    let _agent = road
        .agent("0", move |frame| {
            if frame.kind != FrameKind::Events {
                return done(frame);
            }
            match gate.take() {
                Some(gate) => {
                    *first.lock().unwrap() = results(frame, |_| Outcome::Done);
                    Reply::When(gate)
                }
                None => done(frame),
            }
        })
        .await;
    for _ in 0..400 {
        road.emit(Uuid::new_v4(), 0, 1).await;
    }
    road.relay().await;
    let sent: Arc<Mutex<(BTreeSet<Uuid>, u32)>> = Arc::default();
    let counted = sent.clone();
    let counting = tokio::spawn(async move {
        let mut messages = futures::StreamExt::fuse(listener.into_on_message());
        while let Some(message) = futures::StreamExt::next(&mut messages).await {
            let frame: domain::frame::Frame =
                serde_json::from_slice(message.get_payload_bytes()).unwrap();
            let mut sent = counted.lock().unwrap();
            sent.1 = sent.1.max(frame.attempt);
            sent.0.extend(events(&frame).iter().map(|event| event.id));
        }
    });
    eventually(SOON, "the unanswered frame is sent again", async || {
        sent.lock().unwrap().1 >= 2
    })
    .await;
    let held = sent.lock().unwrap().0.len();
    assert!(
        held <= 128,
        "one frame running and one queued, not {held} events"
    );
    let results = all.lock().unwrap().clone();
    release.send(results).unwrap();
    road.settled(SOON).await;
    assert!(road.dead_letters().await.is_empty(), "slow is not dead");
    counting.abort();
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_always_wants_another_try_waits_alone_and_dies() {
    let road = Road::start().await;
    let stubborn = Uuid::new_v4();
    let _agent = road
        .agent("0", move |frame| {
            Reply::Answer(results(frame, |event| {
                if event.userid == stubborn && event.seq == 0 {
                    Outcome::Retry
                } else {
                    Outcome::Done
                }
            }))
        })
        .await;
    let ids = road.emit(stubborn, 0, 3).await;
    let mut others = 0;
    // Retries count only while the agent gets other work done, so there is some.
    eventually(
        Duration::from_secs(40),
        "the stubborn event is a dead letter",
        async || {
            road.emit(Uuid::new_v4(), 0, 1).await;
            others += 1;
            road.relay().await;
            !road.dead_letters().await.is_empty()
        },
    )
    .await;
    road.settled(SOON).await;
    let letters = road.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].entry.event_id, ids[0]);
    assert_eq!(header(&letters[0], TOPIC), "task-events");
    assert_eq!(header(&letters[0], GROUP), "audit");
    assert_eq!(header(&letters[0], ATTEMPTS), "5");
    assert_eq!(header(&letters[0], ERROR), "failed 5 times: because");
    assert!(header(&letters[0], OFFSET).parse::<i64>().is_ok());
    let seen = road.seen();
    let tries: Vec<&Seen> = seen
        .iter()
        .filter(|frame| frame.events.iter().any(|event| event.id == ids[0]))
        .collect();
    assert_eq!(tries.len(), 5);
    assert!(
        tries.iter().skip(1).all(|frame| frame.events.len() == 1),
        "alone after the first"
    );
    let by_user = first_seen(&seen);
    assert_eq!(by_user[&stubborn], [0, 1, 2]);
    assert_eq!(by_user.len(), others + 1, "the others went on");
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_event_dies_at_once_and_alone() {
    let road = Road::start().await;
    let user = Uuid::new_v4();
    let _agent = road
        .agent("0", |frame| {
            Reply::Answer(results(frame, |event| {
                if event.seq == 1 {
                    Outcome::Reject
                } else {
                    Outcome::Done
                }
            }))
        })
        .await;
    let ids = road.emit(user, 0, 3).await;
    road.relay().await;
    road.settled(SOON).await;
    let letters = road.dead_letters().await;
    assert_eq!(
        letters
            .iter()
            .map(|letter| letter.entry.event_id)
            .collect::<Vec<_>>(),
        [ids[1]]
    );
    assert_eq!(
        (header(&letters[0], ATTEMPTS), header(&letters[0], ERROR)),
        ("1", "rejected: because")
    );
    let original = support::event(ids[1], user, 1);
    assert_eq!(
        letters[0].entry.event,
        original.as_bytes(),
        "the event as it was"
    );
    assert_eq!(road.seen().len(), 1);
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_kills_its_handler_is_halved_until_the_killer_stands_alone() {
    let road = Road::start().await;
    let killer: Arc<Mutex<Option<Uuid>>> = Arc::default();
    let poison = killer.clone();
    let _agent = road
        .agent("0", move |frame| {
            let deadly = events(frame)
                .iter()
                .any(|event| Some(event.id) == *poison.lock().unwrap());
            if deadly { Reply::Silence } else { done(frame) }
        })
        .await;
    let mut ids = Vec::new();
    for _ in 0..32 {
        ids.extend(road.emit(Uuid::new_v4(), 0, 1).await);
    }
    *killer.lock().unwrap() = Some(ids[13]);
    road.relay().await;
    road.settled(Duration::from_secs(60)).await;
    let letters = road.dead_letters().await;
    assert_eq!(
        letters
            .iter()
            .map(|letter| letter.entry.event_id)
            .collect::<Vec<_>>(),
        [ids[13]]
    );
    assert!(header(&letters[0], ERROR).contains("died"));
    let seen = road.seen();
    let sizes: Vec<usize> = seen
        .iter()
        .filter(|frame| frame.events.iter().any(|event| event.id == ids[13]))
        .map(|frame| frame.events.len())
        .collect();
    assert!(
        sizes.windows(2).all(|pair| pair[1] <= pair[0]) && sizes.last() == Some(&1),
        "{sizes:?}"
    );
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_agent_buries_nothing() {
    let road = Road::start().await;
    let user = Uuid::new_v4();
    road.emit(user, 0, 100).await;
    road.relay().await;
    eventually(SOON, "health says that no agent listens", async || {
        !road.health.report().0
    })
    .await;
    {
        // An agent that only swallows and then is gone.
        let _agent = road.agent("0", |_| Reply::Silence).await;
        eventually(SOON, "the agent swallows a frame", async || {
            !road.seen().is_empty()
        })
        .await;
    }
    let _agent = road.agent("1", done).await;
    road.settled(SOON).await;
    assert!(road.dead_letters().await.is_empty());
    assert_eq!(
        first_seen(&road.seen())[&user],
        (0..100).collect::<Vec<_>>()
    );
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deaf_lane_gets_no_more_work() {
    let road = Road::start().await;
    // It never answers, not even a heartbeat, and stays subscribed: a half-open connection looks like this.
    let _deaf = road.agent("0", |_| Reply::Silence).await;
    let _live = road.agent("1", done).await;
    for _ in 0..200 {
        road.emit(Uuid::new_v4(), 0, 1).await;
    }
    road.relay().await;
    road.settled(SOON).await;
    assert!(road.dead_letters().await.is_empty());
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_move_to_a_lane_that_comes_and_stay_in_order() {
    let road = Road::start().await;
    let _first = road.agent("0", done).await;
    let users: Vec<Uuid> = (0..20).map(|_| Uuid::new_v4()).collect();
    let mut second = None;
    let mut round = 0;
    eventually(SOON, "both lanes are used", async || {
        for user in &users {
            road.emit(*user, round, 1).await;
        }
        road.relay().await;
        round += 1;
        if round == 5 {
            second = Some(road.agent("1", done).await);
        }
        let lanes: BTreeSet<String> = road.seen().into_iter().map(|frame| frame.lane).collect();
        lanes.len() == 2
    })
    .await;
    drop(second);
    for user in &users {
        road.emit(*user, round, 1).await;
    }
    road.relay().await;
    road.settled(SOON).await;
    let by_user = first_seen(&road.seen());
    assert!(
        users
            .iter()
            .all(|user| by_user[user] == (0..=round).collect::<Vec<_>>())
    );
    assert!(road.dead_letters().await.is_empty());
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_its_database_loses_nothing_and_buries_nothing() {
    let road = Road::start().await;
    let ill = Arc::new(Mutex::new(true));
    let state = ill.clone();
    let _agent = road
        .agent("0", move |frame| {
            let outcome = if *state.lock().unwrap() {
                Outcome::Retry
            } else {
                Outcome::Done
            };
            Reply::Answer(results(frame, |_| outcome))
        })
        .await;
    let user = Uuid::new_v4();
    road.emit(user, 0, 200).await;
    road.relay().await;
    eventually(
        SOON,
        "the agent has asked for later six times",
        async || road.seen().len() >= 6,
    )
    .await;
    *ill.lock().unwrap() = false;
    road.settled(Duration::from_secs(30)).await;
    assert!(road.dead_letters().await.is_empty());
    assert_eq!(
        first_seen(&road.seen())[&user],
        (0..200).collect::<Vec<_>>()
    );
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_go_and_come_back() {
    let road = Road::start().await;
    let agent = road.agent("0", done).await;
    let user = Uuid::new_v4();
    road.emit(user, 0, 10).await;
    road.relay().await;
    road.settled(SOON).await;
    road.redis.kill().await;
    drop(agent);
    road.emit(user, 10, 10).await;
    road.relay().await;
    eventually(SOON, "health says that Redis is away", async || {
        road.health.report().1["redis"] != "ok"
    })
    .await;
    road.redis.restart().await.unwrap();
    let _agent = road.agent("0", done).await;
    road.settled(SOON).await;
    assert_eq!(first_seen(&road.seen())[&user], (0..20).collect::<Vec<_>>());
    eventually(SOON, "all is well again", async || road.health.report().0).await;
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_settles_what_is_in_flight() {
    let road = Road::start().await;
    let (release, gate) = tokio::sync::oneshot::channel::<Vec<domain::frame::EventResult>>();
    let (mut gate, held) = (Some(gate), Arc::new(Mutex::new(Vec::new())));
    let kept = held.clone();
    let _agent = road
        .agent("0", move |frame| match (frame.kind, gate.take()) {
            (FrameKind::Events, Some(gate)) => {
                *kept.lock().unwrap() = results(frame, |_| Outcome::Done);
                Reply::When(gate)
            }
            (_, back) => {
                gate = back;
                done(frame)
            }
        })
        .await;
    road.emit(Uuid::new_v4(), 0, 10).await;
    road.relay().await;
    eventually(SOON, "a frame is in flight", async || {
        !road.seen().is_empty()
    })
    .await;
    road.stop.cancel();
    let answer = held.lock().unwrap().clone();
    release.send(answer).unwrap();
    tokio::time::timeout(SOON, road.running)
        .await
        .expect("dispatch did not stop")
        .unwrap()
        .unwrap();
    let lag = road.ground.log.lag(&GROUPS[0]).await.unwrap();
    assert!(lag.iter().all(|(_, behind)| *behind == 0), "{lag:?}");
}

//! The clock: ticks over a real Redis, from one bridge at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bridge::clock::Clock;
use bridge::doorbell::Doorbell;
use bridge::groups::{Group, USUAL};
use bridge::health::Health;
use domain::frame::Kind;
use stage::scratch::Scratch;
use stage::services::Redis;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::agent::{Agent, Frames, done};
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT, redis_settings};

const EVERY: Duration = Duration::from_millis(200);

static GROUPS: [Group; 2] = [
    Group {
        name: "ticked",
        tick: Some(EVERY),
        ..USUAL
    },
    Group {
        name: "unticked",
        ..USUAL
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_bridges_ticks_and_the_other_takes_over() {
    let dir = Scratch::new("redis").unwrap();
    let redis = Redis::start(dir.path()).await.unwrap();
    let fixture = LogFixture::new(LogKind::Postgres).await;
    let ticks = Arc::<AtomicUsize>::default();
    let mut agents = Vec::new();
    for lane in ["spindle.ticked.a.0", "spindle.unticked.a.0"] {
        let (ticks, ticked) = (ticks.clone(), lane.contains(".ticked."));
        let handle = move |frame: &_| {
            let frame: &domain::frame::Frame = frame;
            assert!(ticked && frame.kind == Kind::Tick, "{frame:?}");
            ticks.fetch_add(1, Ordering::Relaxed);
            done(frame)
        };
        agents.push(Agent::start(&redis.url(), lane, Frames::default(), handle).await);
    }
    let start = || {
        let (health, stop) = (Health::default(), CancellationToken::new());
        let clock = Clock {
            url: fixture.settings.database_url.clone(),
            bridge: Uuid::new_v4(),
            groups: &GROUPS,
            doorbell: Doorbell::open(&redis_settings(&redis), health.clone()).unwrap(),
            metrics: fixture.metrics.clone(),
            health,
            stop: stop.clone(),
        };
        (stop, tokio::spawn(clock.run()))
    };
    let ((stop, first), (stop_other, other)) = (start(), start());
    let reach = async |count: usize| {
        let what = "the agent is ticked";
        eventually(TIMEOUT, what, async || {
            ticks.load(Ordering::Relaxed) >= count
        })
        .await;
    };
    reach(2).await;
    let (began, before) = (Instant::now(), ticks.load(Ordering::Relaxed));
    reach(before + 8).await;
    assert!(began.elapsed() > 6 * EVERY, "two bridges tick at once");
    stop.cancel();
    first.await.unwrap().unwrap();
    let before = ticks.load(Ordering::Relaxed);
    reach(before + 3).await;
    stop_other.cancel();
    other.await.unwrap().unwrap();
}

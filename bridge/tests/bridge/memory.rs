//! How much memory a bridge needs when its agents are away and events are large.

use std::time::Duration;

use stage::scratch::Scratch;
use stage::services::Redis;
use tokio::process::Child;

use crate::support::agent::{Agent, Frames, done};
use crate::support::program;
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, OPEN_TRANSACTIONS};

const EVENTS: i64 = 5_000;
const EVENT_BYTES: i32 = 160_000;
/// The events are three times as large as this for each of the places where they could pile up.
const LIMIT_MIB: u64 = 256;
const PATIENCE: Duration = Duration::from_secs(120);

/// The largest memory that the process has used so far, in MiB.
fn most_memory(process: &Child) -> u64 {
    let path = format!("/proc/{}/status", process.id().unwrap());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() / 1024
}

/// 800 MB of events pass through a bridge whose agent is away at first.
async fn large_events_stay_within_the_memory_limit(kind: LogKind) {
    let dir = Scratch::new("redis").unwrap();
    let redis = Redis::start(dir.path()).await.unwrap();
    let fixture = LogFixture::new(kind).await;
    {
        let _none_open = OPEN_TRANSACTIONS.lock().await;
        // Text that does not compress costs little with LZ4.
        let settings = "set default_toast_compression = lz4";
        fixture.admin.batch_execute(settings).await.unwrap();
        let fill = include_str!("sql/fill_outbox_with_large_events.sql");
        let events = fixture.admin.execute(fill, &[&EVENTS, &EVENT_BYTES]);
        events.await.unwrap();
    }
    let bridge = program::start(&fixture, &redis, &[]);
    eventually(PATIENCE, "the outbox drains", async || {
        fixture.outbox_rows().await == 0
    })
    .await;
    let without_agent = most_memory(&bridge);
    let lane = "spindle.audit.a.0";
    let _agent = Agent::start(&redis.url(), lane, Frames::default(), done).await;
    let audit = bridge::groups::GROUPS[0];
    eventually(PATIENCE, "all events are settled", async || {
        let lag = fixture.log.lag(&audit).await.unwrap();
        lag.iter().all(|(_, behind)| *behind == 0)
    })
    .await;
    let most = most_memory(&bridge);
    assert!(
        most < LIMIT_MIB,
        "{without_agent} MiB without an agent, {most} MiB in all"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_stay_within_the_memory_limit_on_postgres() {
    large_events_stay_within_the_memory_limit(LogKind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_stay_within_the_memory_limit_on_kafka() {
    large_events_stay_within_the_memory_limit(LogKind::Kafka).await;
}

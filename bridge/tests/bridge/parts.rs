//! `bridge run`: its parts are independent of each other.

use std::time::Duration;

use bridge::config::live::LiveSettings;
use bridge::config::{Part, Run};
use bridge::run;
use stage::scratch::Scratch;
use stage::services::Redis;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::agent::{Agent, Frames, done};
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT, redis_settings};

/// The status of a path of the bridge, and what it answers.
async fn get(address: &str, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{address}{path}"))
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_for_good_does_not_end_the_others_and_starts_again() {
    let dir = Scratch::new("redis").unwrap();
    let redis = Redis::start(dir.path()).await.unwrap();
    let fixture = LogFixture::new(LogKind::Postgres).await;
    let lane = "spindle.audit.a.0";
    let _agent = Agent::start(&redis.url(), lane, Frames::default(), done).await;
    // The bridge is ready when each agent has a lane.
    let other = "spindle.recurring.a.0";
    let _other = Agent::start(&redis.url(), other, Frames::default(), done).await;
    let third = "spindle.reminder.a.0";
    let _third = Agent::start(&redis.url(), third, Frames::default(), done).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let settings = Run {
        log: fixture.settings.clone(),
        redis: redis_settings(&redis),
        parts: vec![Part::Relay, Part::Dispatch],
        listen: listener.local_addr().unwrap(),
        relay_batch: 100,
        relay_quarantine_seconds: 60,
        stop_seconds: 5,
        live: LiveSettings {
            live_listen: None,
            live_origins: Vec::new(),
            live_ping_seconds: 20,
            live_ring_mib: 1,
        },
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(run::run(settings, listener, None, stop.clone()));
    let ready = async |path: &str, status: u16| {
        let what = format!("{path} answers {status}");
        eventually(TIMEOUT, &what, async || {
            get(&address, path).await.0 == status
        })
        .await;
    };
    // In an update that brings a new agent, the bridge is the first to know of it.
    ready("/readyz?exclude=lanes", 200).await;
    eventually(TIMEOUT, "the lanes of sync are not ready", async || {
        let (status, text) = get(&address, "/readyz").await;
        status == 503 && text.contains("no agent of group sync listens")
    })
    .await;
    let (status, text) = get(&address, "/readyz?exclude=lane").await;
    assert_eq!(status, 400);
    assert!(text.contains("expected `lanes`"), "{text}");
    let fourth = "spindle.sync.a.0";
    let _fourth = Agent::start(&redis.url(), fourth, Frames::default(), done).await;
    ready("/readyz", 200).await;
    ready("/readyz/relay", 200).await;
    assert_eq!(get(&address, "/readyz/clock").await.0, 404);
    let revoke = include_str!("sql/revoke_outbox.sql");
    fixture.admin.execute(revoke, &[]).await.unwrap();
    fixture.emit("task-events", Uuid::new_v4(), 0, 1).await;
    ready("/readyz/relay", 503).await;
    ready("/readyz", 503).await;
    let (status, text) = get(&address, "/readyz/dispatch").await;
    assert_eq!(status, 200, "{text}");
    let grant = include_str!("sql/grant_outbox.sql");
    fixture.admin.execute(grant, &[]).await.unwrap();
    ready("/readyz/relay", 200).await;
    eventually(TIMEOUT, "the outbox drains", async || {
        fixture.outbox_rows().await == 0
    })
    .await;
    let (_, metrics) = get(&address, "/metrics").await;
    for line in [
        "spindle_relay_events_total 1",
        "spindle_open_dead_letters{topic=\"task-events.dlq\"} 0",
        "spindle_redelivered_events_total{cause=\"died\",group=\"audit\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    stop.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(15), running).await;
    stopped.expect("the bridge did not stop").unwrap().unwrap();
}

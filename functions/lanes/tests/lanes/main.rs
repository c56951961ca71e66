//! The health check of the lanes, served by the embedded host with the application's own manifest and a real Redis.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod app;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use stage::proxy::Proxy;
use stage::scratch::Scratch;
use stage::services::Redis;

use self::app::App;

const LANES: [&str; 8] = [
    "spindle.audit.local.0",
    "spindle.audit.local.1",
    "spindle.recurring.local.0",
    "spindle.recurring.local.1",
    "spindle.reminder.local.0",
    "spindle.reminder.local.1",
    "spindle.sync.local.0",
    "spindle.sync.local.1",
];

#[tokio::test]
async fn a_process_that_receives_no_messages_is_found_and_others_are_left_alone() {
    let folder = Scratch::new("lanes").unwrap();
    let redis = Redis::start(folder.path().join("redis")).await.unwrap();
    let subscriptions = Proxy::start(&redis.address()).await.unwrap();
    let app = App::start(folder.path(), &redis, &subscriptions).await;
    let all = |state: &str| {
        let lanes: BTreeMap<&str, &str> = LANES.iter().map(|lane| (*lane, state)).collect();
        json!(lanes)
    };

    // Postgres is away all the time, and that is no reason to replace the process.
    let (status, body) = app.health().await;
    assert_eq!((status, &body["lanes"]), (200, &all("answers")), "{body}");

    // Redis delivers to a connection that looks open, and nothing arrives.
    subscriptions.fall_silent();
    let asked = Instant::now();
    let (status, body) = app.health().await;
    assert_eq!((status, &body["lanes"]), (503, &all("silent")), "{body}");
    assert!(asked.elapsed() < Duration::from_secs(15));

    // Redis has forgotten the connection, and the process does not know.
    redis.restart().await.unwrap();
    let (status, body) = app.health().await;
    assert_eq!(
        (status, &body["lanes"]),
        (503, &all("unsubscribed")),
        "{body}"
    );

    // A new process would not find Redis either.
    redis.stop().await;
    let (status, body) = app.health().await;
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("unknown")),
        "{body}"
    );
    assert!(app.is_running());
}

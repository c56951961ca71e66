//! What the relay reads from the outbox.

use std::time::{Duration, Instant};

use bridge::config::Secret;
use bridge::postgres;
use uuid::Uuid;

use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, OPEN_TRANSACTIONS, TIMEOUT, release};

/// The API may be deployed before the bridge that knows its new topic.
pub async fn rows_for_an_unknown_topic_wait_alone(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    let (early, other) = (Uuid::new_v4(), Uuid::new_v4());
    fixture.emit("later-topic", early, 0, 3).await;
    let mut expected = fixture.emit("task-events", early, 3, 2).await;
    expected.extend(fixture.emit("task-events", other, 0, 5).await);
    let (relay, mut shards) = (fixture.relay(), None);
    eventually(TIMEOUT, "all other rows are relayed", async || {
        relay.step(&mut shards).await.unwrap();
        fixture.outbox_rows().await == 3
    })
    .await;
    release(shards).await;
    let mut found = fixture.in_log("task-events").await;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// While a transaction is open elsewhere, vacuum cannot remove the rows that have left the outbox.
pub async fn an_idle_look_does_not_read_dead_rows_again(kind: LogKind) {
    const DEAD: i64 = 100_000;
    const WINDOW: Duration = Duration::from_secs(4);
    const LIMIT: Duration = Duration::from_secs(40);
    let _none_open = OPEN_TRANSACTIONS.lock().await;
    let fixture = LogFixture::new(kind).await;
    let mut backup = postgres::connect(&Secret::new(&fixture.admin_url), "backup")
        .await
        .unwrap();
    let backup = backup
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .start()
        .await
        .unwrap();
    backup
        .query_one("select count(*) from users", &[])
        .await
        .unwrap();
    fixture
        .admin
        .execute(include_str!("../sql/fill_outbox.sql"), &[&DEAD])
        .await
        .unwrap();
    fixture
        .admin
        .execute(include_str!("../sql/empty_outbox.sql"), &[])
        .await
        .unwrap();
    let read = async || -> i64 {
        let row = fixture
            .admin
            .query_one(include_str!("../sql/outbox_entries_read.sql"), &[])
            .await
            .unwrap();
        row.get(0)
    };
    let (mut relay, mut shards) = (fixture.relay(), None);
    relay.batch = 500;
    // The hint follows what the relay has seen, a few seconds later. Sessions publish their statistics each second.
    eventually(LIMIT, "idle looks read few index entries", async || {
        fixture.emit("task-events", Uuid::new_v4(), 0, 1).await;
        let (before, until) = (read().await, Instant::now() + WINDOW);
        let mut looks = 0;
        while Instant::now() < until {
            relay.step(&mut shards).await.unwrap();
            looks += 1;
        }
        (read().await - before) / looks < DEAD / 10
    })
    .await;
    release(shards).await;
    backup.commit().await.unwrap();
}

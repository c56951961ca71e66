//! What the relay reads from the outbox.

use std::time::{Duration, Instant};

use bridge::config::Secret;
use bridge::postgres;
use uuid::Uuid;

use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT, release};

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
    const LOOKS: u32 = 200;
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
    // The hint follows what the relay has seen: two rows a good second apart.
    let (mut relay, mut shards) = (fixture.relay(), None);
    relay.batch = 500;
    for n in 0..3 {
        fixture.emit("task-events", Uuid::new_v4(), n, 1).await;
        let until = Instant::now() + Duration::from_millis(1_200);
        let mut moved = 0;
        eventually(TIMEOUT, "the row is relayed", async || {
            moved += relay.step(&mut shards).await.unwrap();
            Instant::now() > until && moved == 1
        })
        .await;
    }
    let read = async || -> i64 {
        let row = fixture
            .admin
            .query_one(include_str!("../sql/outbox_entries_read.sql"), &[])
            .await
            .unwrap();
        row.get(0)
    };
    let (before, began) = (read().await, Instant::now());
    for _ in 0..LOOKS {
        assert_eq!(relay.step(&mut shards).await.unwrap(), 0);
    }
    let seconds = i64::try_from(began.elapsed().as_secs()).unwrap();
    // The session publishes its statistics when it has been idle for a moment, or when it ends.
    release(shards).await;
    let mut entries = 0;
    eventually(
        TIMEOUT,
        "the statistics of the session arrive",
        async || {
            entries = read().await - before;
            entries > 0
        },
    )
    .await;
    let full_looks = seconds + 6;
    assert!(
        entries < full_looks * DEAD * 11 / 10,
        "{LOOKS} idle looks in {seconds} s read {entries} index entries"
    );
    backup.commit().await.unwrap();
}

//! What the periodic sweep removes from the Postgres log and from users' data.

use bridge::sweep::Sweep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT};

fn sweep_of(fixture: &LogFixture) -> Sweep {
    Sweep {
        url: fixture.settings.database_url.clone(),
        metrics: fixture.metrics.clone(),
        stop: CancellationToken::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_nobody_reads_for_any_more_does_not_keep_expired_records() {
    let fixture = LogFixture::new(LogKind::Postgres).await;
    let user = Uuid::new_v4();
    fixture.emit("task-events", user, 0, 10).await;
    fixture.relay_all().await;
    fixture
        .admin
        .execute(include_str!("sql/age_records.sql"), &[])
        .await
        .unwrap();
    let offsets = async |group: &str, next: i64, days: i32| {
        fixture
            .admin
            .execute(include_str!("sql/set_offsets.sql"), &[&group, &next, &days])
            .await
            .unwrap();
    };
    let sweep = sweep_of(&fixture);
    let left = async || {
        sweep.step(&mut None).await.unwrap();
        fixture.in_log("task-events").await.len()
    };
    // A group that committed lately may be one that only a newer bridge knows.
    offsets("newer", 2, 0).await;
    offsets("audit", 7, 30).await;
    // A group of this bridge that reads no topic any more.
    offsets("reminder", 0, 30).await;
    assert_eq!(left().await, 8);
    offsets("newer", 2, 8).await;
    // Postgres may not have ended the session of the sweep before, which holds the lock.
    let what = "only what `audit` has not settled stays";
    eventually(TIMEOUT, what, async || left().await == 3).await;
}

/// Two rows of each kind: one that is just too old, and one that is not.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_removed() {
    let fixture = LogFixture::new(LogKind::Postgres).await;
    fixture
        .admin
        .batch_execute(include_str!("sql/insert_expired.sql"))
        .await
        .unwrap();
    sweep_of(&fixture).step(&mut None).await.unwrap();
    let left = fixture
        .admin
        .query(include_str!("sql/left_of_expired.sql"), &[])
        .await
        .unwrap();
    let left: Vec<(String, String)> = left.iter().map(|row| (row.get(0), row.get(1))).collect();
    let kept = |table: &str| (table.to_owned(), "kept".to_owned());
    let tables = [
        "deliveries",
        "idempotency_keys",
        "jobs",
        "live_tickets",
        "notifications",
        "refresh_tokens",
        "reminders",
        "tasks",
    ];
    assert_eq!(left, tables.map(kept));
}

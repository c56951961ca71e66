//! A reader of the Postgres log learns of new records, also while it is busy, and also of those that another bridge appends.

use std::sync::Arc;
use std::time::SystemTime;

use bridge::config::Secret;
use bridge::postgres::{self, Session};
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

use super::reader::Reader;
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, OPEN_TRANSACTIONS, TIMEOUT};

/// Nothing happens after the record, so a wake-up that is missed would be missed for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_appended_during_a_commit_of_offsets_arrives() {
    let _none_open = OPEN_TRANSACTIONS.lock().await;
    let fixture = LogFixture::new(LogKind::Postgres).await;
    let (mut reader, user) = (Reader::start(&fixture), Uuid::new_v4());
    fixture.emit("task-events", user, 0, 1).await;
    fixture.relay_all().await;
    let first = reader.read(1).await;

    let mut other = postgres::connect(&Secret::new(&fixture.admin_url), "other")
        .await
        .unwrap();
    let lock = other.transaction().await.unwrap();
    let sql = include_str!("../sql/lock_offsets.sql");
    lock.execute(sql, &[]).await.unwrap();
    reader.settle(&first);
    eventually(TIMEOUT, "the commit of offsets waits", async || {
        let sql = include_str!("../sql/waiting_commits.sql");
        let row = fixture.admin.query_one(sql, &[]).await.unwrap();
        row.get::<_, i64>(0) > 0
    })
    .await;
    let second = fixture.emit("task-events", user, 1, 1).await;
    fixture.relay_all().await;
    let appended = SystemTime::now();
    eventually(TIMEOUT, "the watcher has seen the record", async || {
        let sql = include_str!("../sql/looks_of_the_watcher.sql");
        let row = fixture.admin.query_one(sql, &[&appended]).await.unwrap();
        row.get::<_, i64>(0) > 0
    })
    .await;
    lock.rollback().await.unwrap();
    assert_eq!(reader.read(1).await[0].entry.event_id, second[0]);
    reader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bridges_are_told_of_new_records() {
    let fixture = LogFixture::new(LogKind::Postgres).await;
    let told = Arc::new(Notify::new());
    let notified = {
        let told = told.clone();
        move || told.notify_one()
    };
    let url = &fixture.settings.database_url;
    let _other = Session::listen(url, "other", "spindle_log", notified)
        .await
        .unwrap();
    fixture.emit("task-events", Uuid::new_v4(), 0, 1).await;
    fixture.relay_all().await;
    timeout(TIMEOUT, told.notified())
        .await
        .expect("the other bridge is told");
}

//! No event of a user is lost or reordered by a restart or by a row that commits late.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use bridge::config::Secret;
use bridge::postgres;
use uuid::Uuid;

use super::reader::{GROUP_READ, Reader, by_user};
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, OPEN_TRANSACTIONS, TIMEOUT, emit, release};

pub async fn events_of_a_user_stay_in_order(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    let users: Vec<Uuid> = (0..20).map(|_| Uuid::new_v4()).collect();
    let mut emitted: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for round in 0..10 {
        for user in &users {
            emitted
                .entry(*user)
                .or_default()
                .extend(fixture.emit("task-events", *user, round * 3, 3).await);
        }
    }
    fixture.relay_all().await;
    let mut reader = Reader::start(&fixture);
    let records = reader.read(600).await;
    assert_eq!(by_user(&records), emitted);
    let mut places: HashMap<Uuid, BTreeSet<i32>> = HashMap::new();
    for record in &records {
        places
            .entry(record.entry.user)
            .or_default()
            .insert(record.partition.number);
        let json: serde_json::Value = serde_json::from_slice(&record.entry.event).unwrap();
        assert_eq!(json["id"], record.entry.event_id.to_string());
        assert_eq!(json["userid"], record.entry.user.to_string());
    }
    assert!(
        places.values().all(|partitions| partitions.len() == 1),
        "each user is on one partition"
    );
    let lag: i64 = fixture
        .log
        .lag(&GROUP_READ)
        .await
        .unwrap()
        .iter()
        .map(|(_, behind)| behind)
        .sum();
    assert_eq!(lag, 600);
    reader.settle(&records);
    eventually(TIMEOUT, "the lag is gone", async || {
        reader.step(Duration::from_millis(1)).await;
        fixture
            .log
            .lag(&GROUP_READ)
            .await
            .unwrap()
            .iter()
            .all(|(_, behind)| *behind == 0)
    })
    .await;
    reader.stop().await;
}

pub async fn a_restart_resumes_at_the_committed_offset(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    let user = Uuid::new_v4();
    let emitted = fixture.emit("task-events", user, 0, 50).await;
    fixture.relay_all().await;
    let mut reader = Reader::start(&fixture);
    let records = reader.read(50).await;
    reader.settle(&records[..20]);
    reader.stop().await;

    let mut reader = Reader::start(&fixture);
    let again = reader.read(30).await;
    assert_eq!(
        by_user(&again)[&user],
        emitted[20..],
        "records that were not settled are read again, in order"
    );
    reader.settle(&again);
    reader.stop().await;

    let later = fixture.emit("task-events", user, 50, 1).await;
    fixture.relay_all().await;
    let mut reader = Reader::start(&fixture);
    assert_eq!(by_user(&reader.read(1).await)[&user], later);
    reader.stop().await;
}

pub async fn rows_that_commit_late_are_not_lost(kind: LogKind) {
    let _open = OPEN_TRANSACTIONS.lock().await;
    let fixture = LogFixture::new(kind).await;
    let mut late = postgres::connect(&Secret::new(&fixture.admin_url), "late")
        .await
        .unwrap();
    let (slow, quick) = (Uuid::new_v4(), Uuid::new_v4());
    let transaction = late.transaction().await.unwrap();
    let slow_ids = emit(&transaction, "task-events", slow, 0, 1).await;
    let quick_ids = emit(&fixture.admin, "task-events", quick, 0, 3).await;
    fixture.relay_all().await;
    let mut reader = Reader::start(&fixture);
    assert_eq!(
        by_user(&reader.read(3).await),
        HashMap::from([(quick, quick_ids)])
    );
    transaction.commit().await.unwrap();
    fixture.relay_all().await;
    assert_eq!(
        by_user(&reader.read(1).await),
        HashMap::from([(slow, slow_ids)])
    );
    reader.stop().await;
}

/// A transaction may commit long after it has drawn its outbox ids, and its user's next event follows at once.
pub async fn a_row_that_commits_seconds_late_is_not_overtaken(kind: LogKind) {
    let _open = OPEN_TRANSACTIONS.lock().await;
    let fixture = LogFixture::new(kind).await;
    let mut late = postgres::connect(&Secret::new(&fixture.admin_url), "late")
        .await
        .unwrap();
    let (user, other) = (Uuid::new_v4(), Uuid::new_v4());
    let (relay, mut shards) = (fixture.relay(), None);
    for round in 0..4 {
        let transaction = late.transaction().await.unwrap();
        let mut ids = emit(&transaction, "task-events", user, 2 * round, 1).await;
        // Meanwhile, other users' rows with larger ids are relayed.
        let until = Instant::now() + Duration::from_millis(2_600 + 100 * round as u64);
        while Instant::now() < until {
            fixture.emit("task-events", other, 0, 1).await;
            relay.step(&mut shards).await.unwrap();
        }
        transaction.commit().await.unwrap();
        ids.extend(fixture.emit("task-events", user, 2 * round + 1, 1).await);
        eventually(TIMEOUT, "the outbox drains", async || {
            relay.step(&mut shards).await.unwrap();
            fixture.outbox_rows().await == 0
        })
        .await;
        let records = fixture.log.scan("task-events").await.unwrap();
        let mut records: Vec<_> = records
            .into_iter()
            .filter(|record| ids.contains(&record.entry.event_id))
            .collect();
        records.sort_by_key(|record| record.offset);
        assert_eq!(by_user(&records)[&user], ids, "round {round}");
    }
    release(shards).await;
}

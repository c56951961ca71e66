//! A user's events come in order and whole, whatever restarts and however late a row commits.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bridge::config::Secret;
use bridge::postgres;
use uuid::Uuid;

use crate::reader::{GROUP_READ, Reader, by_user};
use crate::support::wait::eventually;
use crate::support::{Ground, Kind, SOON, emit, event};

pub async fn events_of_a_user_stay_in_order(kind: Kind) {
    let ground = Ground::new(kind).await;
    let users: Vec<Uuid> = (0..20).map(|_| Uuid::new_v4()).collect();
    let mut emitted: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for round in 0..10 {
        for user in &users {
            emitted
                .entry(*user)
                .or_default()
                .extend(ground.emit("task-events", *user, round * 3, 3).await);
        }
    }
    ground.relay_all().await;
    let mut reader = Reader::start(&ground);
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
        "a user is on one partition"
    );
    let lag: i64 = ground
        .log
        .lag(&GROUP_READ)
        .await
        .unwrap()
        .iter()
        .map(|(_, behind)| behind)
        .sum();
    assert_eq!(lag, 600);
    reader.settle(&records);
    eventually(SOON, "the lag is gone", async || {
        reader.step(Duration::from_millis(1)).await;
        ground
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

pub async fn a_restart_resumes_where_the_mark_was(kind: Kind) {
    let ground = Ground::new(kind).await;
    let user = Uuid::new_v4();
    let emitted = ground.emit("task-events", user, 0, 50).await;
    ground.relay_all().await;
    let mut reader = Reader::start(&ground);
    let records = reader.read(50).await;
    reader.settle(&records[..20]);
    reader.stop().await;

    let mut reader = Reader::start(&ground);
    let again = reader.read(30).await;
    assert_eq!(
        by_user(&again)[&user],
        emitted[20..],
        "what was not settled comes again, in order"
    );
    reader.settle(&again);
    reader.stop().await;

    let later = ground.emit("task-events", user, 50, 1).await;
    ground.relay_all().await;
    let mut reader = Reader::start(&ground);
    assert_eq!(by_user(&reader.read(1).await)[&user], later);
    reader.stop().await;
}

pub async fn rows_that_commit_late_are_not_lost(kind: Kind) {
    let ground = Ground::new(kind).await;
    let mut late = postgres::connect(&Secret::new(&ground.admin_url), "late")
        .await
        .unwrap();
    let (slow, quick) = (Uuid::new_v4(), Uuid::new_v4());
    let transaction = late.transaction().await.unwrap();
    let slow_ids = {
        let id = Uuid::now_v7();
        transaction
            .execute(
                "insert into outbox (topic, user_id, event_id, event) values ('task-events', $1, $2, $3)",
                &[&slow, &id, &event(id, slow, 0)],
            )
            .await
            .unwrap();
        vec![id]
    };
    let quick_ids = emit(&ground.admin, "task-events", quick, 0, 3).await;
    ground.relay_all().await;
    let mut reader = Reader::start(&ground);
    assert_eq!(
        by_user(&reader.read(3).await),
        HashMap::from([(quick, quick_ids)])
    );
    transaction.commit().await.unwrap();
    ground.relay_all().await;
    assert_eq!(
        by_user(&reader.read(1).await),
        HashMap::from([(slow, slow_ids)])
    );
    reader.stop().await;
}

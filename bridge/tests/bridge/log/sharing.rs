//! Two processes share partitions and shards, and one takes over when the other stops.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bridge::relay::Shards;
use uuid::Uuid;

use super::reader::{Reader, by_user};
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT, release};

pub async fn two_readers_share_the_partitions_and_one_takes_over(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    let mut first = Reader::start(&fixture);
    eventually(TIMEOUT, "the first holds all partitions", async || {
        first.step(Duration::from_millis(10)).await;
        first.held.len() == 6
    })
    .await;
    let mut second = Reader::start(&fixture);
    // Three partitions of two topics, and partition n of both is in one place.
    eventually(TIMEOUT, "both hold partitions of both topics", async || {
        first.step(Duration::from_millis(10)).await;
        second.step(Duration::from_millis(10)).await;
        let mut held = [first.held.len(), second.held.len()];
        held.sort_unstable();
        held == [2, 4] && first.held.is_disjoint(&second.held)
    })
    .await;
    for held in [&first.held, &second.held] {
        let numbers = |topic: &str| -> Vec<i32> {
            let of_topic = held.iter().filter(|partition| &*partition.topic == topic);
            of_topic.map(|partition| partition.number).collect()
        };
        assert_eq!(numbers("task-events"), numbers("reminders"));
    }
    let began = Instant::now();
    second.stop().await;
    eventually(
        Duration::from_secs(10),
        "the first holds all partitions again",
        async || {
            first.step(Duration::from_millis(10)).await;
            first.held.len() == 6
        },
    )
    .await;
    assert!(began.elapsed() < Duration::from_secs(10));
    first.stop().await;
}

pub async fn two_relays_share_the_shards(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    let (one, two) = (fixture.relay(), fixture.relay());
    let (mut shards_one, mut shards_two) = (None, None);
    let users: Vec<Uuid> = (0..24).map(|_| Uuid::new_v4()).collect();
    let mut emitted: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    let mut n = 0;
    eventually(TIMEOUT, "both relays hold half of the shards", async || {
        for user in &users {
            emitted
                .entry(*user)
                .or_default()
                .extend(fixture.emit("task-events", *user, n, 1).await);
        }
        n += 1;
        let (a, b) = tokio::join!(one.step(&mut shards_one), two.step(&mut shards_two));
        a.unwrap();
        b.unwrap();
        let held =
            |shards: &Option<Shards>| shards.as_ref().map_or(0, |shards| shards.numbers().len());
        held(&shards_one) == 6 && held(&shards_two) == 6
    })
    .await;
    release(shards_two).await;
    eventually(
        Duration::from_secs(10),
        "the first holds all shards",
        async || {
            one.step(&mut shards_one).await.unwrap();
            shards_one
                .as_ref()
                .is_some_and(|shards| shards.numbers().len() == 12)
        },
    )
    .await;
    release(shards_one).await;
    fixture.relay_all().await;
    let mut reader = Reader::start(&fixture);
    let records = reader.read(n * users.len()).await;
    assert_eq!(by_user(&records), emitted);
    reader.stop().await;
}

/// The heartbeat of a dead bridge lies in the future once the database's clock has stepped back.
pub async fn a_dead_bridge_does_not_count_after_the_clock_stepped_back(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    fixture
        .admin
        .execute(include_str!("../sql/dead_bridge.sql"), &[&"relay"])
        .await
        .unwrap();
    let (relay, mut shards) = (fixture.relay(), None);
    eventually(
        Duration::from_secs(10),
        "the only living bridge holds all shards",
        async || {
            relay.step(&mut shards).await.unwrap();
            shards
                .as_ref()
                .is_some_and(|shards| shards.numbers().len() == 12)
        },
    )
    .await;
    release(shards).await;
}

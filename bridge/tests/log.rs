//! One suite for both logs: whatever holds for one holds for the other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use bridge::dead_letter::desk::{Deed, Desk, Wanted};
use bridge::dead_letter::{ERROR, GROUP, TOPIC};
use bridge::health::Health;
use bridge::log::{
    Consumer, Delivery, Entry, FOR_GROUP, Headers, Mark, Partition, Reading, Record,
};
use bridge::metrics::Metrics;
use bridge::postgres;
use bridge::topics::Group;
use bytes::Bytes;
use support::wait::eventually;
use support::{Ground, Kind, SOON, emit, leave};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

static GROUP_READ: Group = Group {
    name: "readers",
    topics: &["task-events", "reminders"],
};

macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod postgres_log {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::Kind::Postgres).await;
            })+
        }
        mod kafka_log {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::Kind::Kafka).await;
            })+
        }
    };
}

on_both!(
    events_of_a_user_stay_in_order,
    a_restart_resumes_where_the_mark_was,
    two_share_and_one_takes_over,
    rows_that_commit_late_are_not_lost,
    two_relays_share_the_shards,
    a_dead_letter_is_listed_replayed_and_put_aside,
);

/// A group's reader in one process.
struct Reader {
    consumer: Consumer,
    stop: CancellationToken,
    held: BTreeSet<Partition>,
    next: BTreeMap<Partition, i64>,
}

impl Reader {
    fn start(ground: &Ground) -> Self {
        let stop = CancellationToken::new();
        let consumer = ground.log.consume(Reading {
            bridge: Uuid::new_v4(),
            group: &GROUP_READ,
            stop: stop.clone(),
            stop_within: Duration::from_secs(5),
            metrics: Metrics::new().unwrap(),
            health: Health::default(),
        });
        Self {
            consumer,
            stop,
            held: BTreeSet::new(),
            next: BTreeMap::new(),
        }
    }

    /// Takes what comes next, if anything does, and gives partitions up at once when asked.
    async fn step(&mut self, patience: Duration) -> Vec<Record> {
        match timeout(patience, self.consumer.deliveries.recv()).await {
            Err(_) | Ok(None) => {}
            Ok(Some(Delivery::Assigned(partitions))) => self.held.extend(partitions),
            Ok(Some(Delivery::Revoked {
                partitions,
                settled,
            })) => {
                self.held.retain(|held| !partitions.contains(held));
                for partition in &partitions {
                    self.next.remove(partition);
                }
                settled.map(|settled| settled.send(()));
            }
            Ok(Some(Delivery::Records(records))) => {
                for record in &records {
                    let before = self
                        .next
                        .insert(record.partition.clone(), record.offset + 1);
                    assert!(
                        before.is_none_or(|next| next == record.offset),
                        "a gap before {record:?}"
                    );
                }
                return records;
            }
        }
        Vec::new()
    }

    async fn read(&mut self, count: usize) -> Vec<Record> {
        let (mut records, until) = (Vec::new(), Instant::now() + SOON);
        while records.len() < count {
            assert!(
                Instant::now() < until,
                "{} of {count} records came",
                records.len()
            );
            records.extend(self.step(Duration::from_millis(100)).await);
        }
        records
    }

    fn settle(&self, records: &[Record]) {
        let marks = records.iter().map(|r| Mark {
            partition: r.partition.clone(),
            next: r.offset + 1,
        });
        self.consumer.marks.send(marks.collect()).unwrap();
    }

    /// Stops as a bridge does on SIGTERM.
    async fn stop(mut self) {
        self.stop.cancel();
        let until = Instant::now() + SOON;
        while let Some(delivery) = timeout(SOON, self.consumer.deliveries.recv())
            .await
            .expect("the consumer did not stop")
        {
            assert!(Instant::now() < until);
            if let Delivery::Revoked {
                settled: Some(settled),
                ..
            } = delivery
            {
                settled.send(()).unwrap();
            }
        }
    }
}

fn by_user(records: &[Record]) -> HashMap<Uuid, Vec<Uuid>> {
    let mut by_user: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for record in records {
        by_user
            .entry(record.entry.user)
            .or_default()
            .push(record.entry.event_id);
    }
    by_user
}

async fn events_of_a_user_stay_in_order(kind: Kind) {
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

async fn a_restart_resumes_where_the_mark_was(kind: Kind) {
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

async fn two_share_and_one_takes_over(kind: Kind) {
    let ground = Ground::new(kind).await;
    let mut first = Reader::start(&ground);
    eventually(SOON, "the first reads everything", async || {
        first.step(Duration::from_millis(10)).await;
        first.held.len() == 6
    })
    .await;
    let mut second = Reader::start(&ground);
    eventually(SOON, "both read a fair share", async || {
        first.step(Duration::from_millis(10)).await;
        second.step(Duration::from_millis(10)).await;
        first.held.len() == 3 && second.held.len() == 3 && first.held.is_disjoint(&second.held)
    })
    .await;
    let began = Instant::now();
    second.stop().await;
    eventually(
        Duration::from_secs(10),
        "the first has taken over",
        async || {
            first.step(Duration::from_millis(10)).await;
            first.held.len() == 6
        },
    )
    .await;
    assert!(began.elapsed() < Duration::from_secs(10));
    first.stop().await;
}

async fn rows_that_commit_late_are_not_lost(kind: Kind) {
    let ground = Ground::new(kind).await;
    let mut late = postgres::connect(&bridge::config::Secret::new(&ground.admin_url), "late")
        .await
        .unwrap();
    let (slow, quick) = (Uuid::new_v4(), Uuid::new_v4());
    let transaction = late.transaction().await.unwrap();
    let slow_ids = {
        let id = Uuid::now_v7();
        transaction
            .execute(
                "insert into outbox (topic, user_id, event_id, event) values ('task-events', $1, $2, $3)",
                &[&slow, &id, &support::event(id, slow, 0)],
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

async fn two_relays_share_the_shards(kind: Kind) {
    let ground = Ground::new(kind).await;
    let (one, two) = (ground.relay(), ground.relay());
    let (mut shards_one, mut shards_two) = (None, None);
    let users: Vec<Uuid> = (0..24).map(|_| Uuid::new_v4()).collect();
    let mut emitted: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    let mut n = 0;
    eventually(SOON, "both relays hold half of the shards", async || {
        for user in &users {
            emitted
                .entry(*user)
                .or_default()
                .extend(ground.emit("task-events", *user, n, 1).await);
        }
        n += 1;
        let (a, b) = tokio::join!(one.step(&mut shards_one), two.step(&mut shards_two));
        a.unwrap();
        b.unwrap();
        let held = |shards: &Option<bridge::relay::Shards>| {
            shards.as_ref().map_or(0, |shards| shards.numbers().len())
        };
        held(&shards_one) == 6 && held(&shards_two) == 6
    })
    .await;
    leave(shards_two).await;
    eventually(
        Duration::from_secs(10),
        "the first has taken over all shards",
        async || {
            one.step(&mut shards_one).await.unwrap();
            shards_one
                .as_ref()
                .is_some_and(|shards| shards.numbers().len() == 12)
        },
    )
    .await;
    leave(shards_one).await;
    ground.relay_all().await;
    let mut reader = Reader::start(&ground);
    let records = reader.read(n * users.len()).await;
    assert_eq!(by_user(&records), emitted);
    reader.stop().await;
}

async fn a_dead_letter_is_listed_replayed_and_put_aside(kind: Kind) {
    let ground = Ground::new(kind).await;
    let user = Uuid::new_v4();
    for _ in 0..2 {
        let id = Uuid::now_v7();
        let headers = [
            (TOPIC, "task-events"),
            (GROUP, "readers"),
            (ERROR, "because"),
        ];
        let headers: Headers = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let entry = Entry {
            user,
            event_id: id,
            event: Bytes::from(support::event(id, user, 0)),
            headers,
        };
        ground.log.append("task-events.dlq", &entry).await.unwrap();
    }
    let client = postgres::connect(&ground.settings.database_url, "desk")
        .await
        .unwrap();
    let desk = Desk {
        log: ground.log.clone(),
        client,
        actor: "ada".to_owned(),
    };
    let letters = desk.list(&Wanted::default()).await.unwrap();
    assert_eq!(letters.len(), 2);
    let one = &letters[0];
    assert_eq!(
        (one.topic.as_str(), one.group.as_str(), one.error.as_str()),
        ("task-events", "readers", "because")
    );
    assert_eq!((one.kind.as_str(), one.user), ("task.updated", user));
    assert_eq!(one.event()["seq"], 0);
    for other in [
        Wanted {
            topic: Some("reminders".to_owned()),
            ..Wanted::default()
        },
        Wanted {
            group: Some("others".to_owned()),
            ..Wanted::default()
        },
        Wanted {
            kind: Some("task.created".to_owned()),
            ..Wanted::default()
        },
        Wanted {
            older_than: Some(Duration::from_secs(3600)),
            ..Wanted::default()
        },
    ] {
        assert!(desk.list(&other).await.unwrap().is_empty(), "{other:?}");
    }

    desk.handle(one, Deed::Replay).await.unwrap();
    desk.handle(&letters[1], Deed::Discard).await.unwrap();
    assert!(desk.list(&Wanted::default()).await.unwrap().is_empty());
    let handled = desk
        .list(&Wanted {
            handled: true,
            ..Wanted::default()
        })
        .await
        .unwrap();
    let handled: Vec<_> = handled
        .iter()
        .map(|letter| letter.handled.as_deref().unwrap())
        .collect();
    assert_eq!(handled, ["replayed", "discarded"]);

    let mut reader = Reader::start(&ground);
    let back = reader.read(1).await;
    assert_eq!(back[0].entry.event_id.to_string(), one.id);
    assert_eq!(
        back[0].entry.headers.get(FOR_GROUP).map(String::as_str),
        Some("readers")
    );
    reader.stop().await;

    let sql = "select topic, user_id, event from outbox order by id";
    let told = ground.admin.query(sql, &[]).await.unwrap();
    let types: Vec<String> = told
        .iter()
        .map(|row| {
            assert_eq!(
                (row.get::<_, &str>(0), row.get::<_, Uuid>(1)),
                ("account-events", user)
            );
            let event: domain::event::Event = serde_json::from_str(row.get(2)).unwrap();
            assert_eq!(event.data["actor"]["id"], "ada");
            event.kind
        })
        .collect();
    assert_eq!(types, ["dead-letter.replayed", "dead-letter.discarded"]);
}

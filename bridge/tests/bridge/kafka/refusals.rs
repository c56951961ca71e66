//! A row that Kafka refuses holds back the rows of its user alone, and goes into quarantine after a while.

use std::time::{Duration, Instant};

use bridge::postgres::Session;
use bridge::quarantine;
use bridge::relay::{Relay, Shards};
use uuid::Uuid;

use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT, kafka, release};

/// Larger than librdkafka accepts, so the row is refused before it is sent.
const TOO_LARGE_TO_SEND: usize = 9_000_000;

/// A log whose topic `task-events` accepts batches of records up to a size.
async fn with_small_batches(max_batch: usize) -> LogFixture {
    let brokers = stage::services::shared::kafka().await.unwrap();
    let fixture = LogFixture::without_topics(Some(brokers)).await;
    kafka::create_topic(&fixture, "task-events", max_batch).await;
    fixture.log.create_topics().await.unwrap();
    fixture
}

/// Steps the relay until the outbox has this many rows.
async fn relay_until(fixture: &LogFixture, relay: &Relay, shards: &mut Option<Shards>, rows: i64) {
    eventually(TIMEOUT, "the outbox has the expected rows", async || {
        relay.step(shards).await.unwrap();
        fixture.outbox_rows().await == rows
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_a_broker_refuses_holds_back_its_user_alone_and_repeats_no_others() {
    let fixture = with_small_batches(100_000).await;
    let (held, mut expected) = (Uuid::new_v4(), Vec::new());
    expected.extend(fixture.emit("task-events", held, 0, 1).await);
    fixture.emit_large("task-events", held, 300_000).await;
    let later = fixture.emit("task-events", held, 2, 3).await;
    for _ in 0..50 {
        expected.extend(fixture.emit("task-events", Uuid::new_v4(), 0, 2).await);
    }
    let (relay, mut shards) = (fixture.relay(), None);
    relay_until(&fixture, &relay, &mut shards, 4).await;
    // A relay that is in a hurry repeats the refused batch; one that waits between attempts does not.
    let refused = relay.metrics.refused.with_label_values(&["task-events"]);
    let before = refused.get();
    let (until, mut steps) = (Instant::now() + Duration::from_secs(4), 0);
    while Instant::now() < until {
        assert_eq!(relay.step(&mut shards).await.unwrap(), 0);
        steps += 1;
    }
    assert!(steps > 10, "the relay goes on with other rows");
    let attempts = refused.get() - before;
    assert!(attempts <= 8, "{attempts} attempts in 4 s");
    let in_log = fixture.in_log("task-events").await;
    for id in &expected {
        let copies = in_log.iter().filter(|found| *found == id).count();
        assert!((1..=2).contains(&copies), "{copies} copies of {id}");
    }
    assert!(
        !in_log.iter().any(|id| later.contains(id)),
        "a later event overtook the refused one"
    );

    kafka::limit_batches(&fixture, "task-events", 1_000_000).await;
    relay_until(&fixture, &relay, &mut shards, 0).await;
    release(shards).await;
    let in_log = fixture.in_log("task-events").await;
    assert!(later.iter().all(|id| in_log.contains(id)));
}

/// The refused record fills a request of its own, so the next one is on its way while the broker refuses it.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_event_in_the_next_request_does_not_overtake_a_refused_one() {
    let fixture = with_small_batches(500_000).await;
    let user = Uuid::new_v4();
    let mut emitted = vec![fixture.emit_large("task-events", user, 1_500_000).await];
    emitted.extend(fixture.emit("task-events", user, 1, 20).await);
    let (relay, mut shards) = (fixture.relay(), None);
    eventually(TIMEOUT, "Kafka refuses the row", async || {
        relay.step(&mut shards).await.unwrap();
        relay
            .metrics
            .refused
            .with_label_values(&["task-events"])
            .get()
            > 0
    })
    .await;
    assert!(fixture.in_log("task-events").await.is_empty());
    kafka::limit_batches(&fixture, "task-events", 5_000_000).await;
    relay_until(&fixture, &relay, &mut shards, 0).await;
    release(shards).await;
    assert_eq!(fixture.in_log("task-events").await, emitted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_refused_for_too_long_goes_into_quarantine_and_can_be_requeued() {
    let fixture = LogFixture::new(LogKind::Kafka).await;
    let user = Uuid::new_v4();
    let refused = fixture
        .emit_large("task-events", user, TOO_LARGE_TO_SEND)
        .await;
    let later = fixture.emit("task-events", user, 1, 3).await;
    let other = fixture.emit("task-events", Uuid::new_v4(), 0, 1).await;
    let (mut relay, mut shards) = (fixture.relay(), None);
    relay.quarantine_after = Duration::from_secs(2);
    relay_until(&fixture, &relay, &mut shards, 4).await;
    assert_eq!(fixture.in_log("task-events").await, other);
    relay_until(&fixture, &relay, &mut shards, 0).await;
    assert_eq!(fixture.in_log("task-events").await, [other, later].concat());

    let session = Session::open(&fixture.settings.database_url, "test")
        .await
        .unwrap();
    let quarantined = quarantine::list(&session).await.unwrap();
    assert_eq!(quarantined.len(), 1);
    let row = &quarantined[0];
    assert_eq!((row.event_id, row.user), (refused, user));
    assert!(row.reason.contains("size"), "{}", row.reason);
    assert_eq!(
        quarantine::requeue(&session, Some(refused)).await.unwrap(),
        [refused]
    );
    assert!(quarantine::list(&session).await.unwrap().is_empty());
    assert_eq!(fixture.outbox_rows().await, 1);
    relay_until(&fixture, &relay, &mut shards, 0).await;
    release(shards).await;
    assert_eq!(
        quarantine::discard(&session, None).await.unwrap(),
        [refused]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_topic_that_is_missing_wait_until_it_exists() {
    let brokers = stage::services::shared::kafka().await.unwrap();
    let fixture = LogFixture::without_topics(Some(brokers)).await;
    kafka::create_topic(&fixture, "task-events", 1_000_000).await;
    let user = Uuid::new_v4();
    let waiting = fixture.emit("task-updates", user, 0, 3).await;
    let other = fixture.emit("task-events", user, 3, 3).await;
    let (mut relay, mut shards) = (fixture.relay(), None);
    relay.quarantine_after = Duration::from_secs(1);
    relay_until(&fixture, &relay, &mut shards, 3).await;
    assert_eq!(fixture.in_log("task-events").await, other);
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        relay.step(&mut shards).await.unwrap();
    }
    assert_eq!(fixture.outbox_rows().await, 3, "a topic is not quarantined");
    kafka::create_topic(&fixture, "task-updates", 1_000_000).await;
    let until = Instant::now() + Duration::from_secs(60);
    while fixture.outbox_rows().await > 0 {
        assert!(Instant::now() < until, "the rows are relayed late");
        relay.step(&mut shards).await.unwrap();
    }
    release(shards).await;
    // The client that looks into the log may still remember that the topic was gone.
    eventually(TIMEOUT, "the rows are in the log", async || {
        fixture.in_log("task-updates").await == waiting
    })
    .await;
}

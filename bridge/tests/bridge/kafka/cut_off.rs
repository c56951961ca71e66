//! A bridge that alone cannot reach Kafka, or that has lost its leases, hands over and sends nothing old later. One that
//! reaches Kafka slowly sends nothing twice.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use stage::proxy::Slow;
use uuid::Uuid;

use crate::log::reader::{Reader, by_user};
use crate::support::kafka::Proxied;
use crate::support::wait::eventually;
use crate::support::{TIMEOUT, release};

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_is_cut_off_from_kafka_gives_its_shards_to_another() {
    let kafka = Proxied::start().await;
    let fixture = &kafka.fixture;
    let (mut cut, other) = (fixture.relay(), fixture.relay());
    cut.log = kafka.log().await;
    cut.metrics = bridge::metrics::Metrics::new().unwrap();
    let stop = [cut.stop.clone(), other.stop.clone()];
    let (cut_metrics, other_metrics) = (cut.metrics.clone(), other.metrics.clone());
    let running = [tokio::spawn(cut.run()), tokio::spawn(other.run())];
    eventually(TIMEOUT, "each holds half of the shards", async || {
        cut_metrics.shards.get() == 6 && other_metrics.shards.get() == 6
    })
    .await;

    kafka.proxy.fall_silent();
    let mut emitted: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for user in (0..24).map(|_| Uuid::new_v4()) {
        emitted.insert(user, fixture.emit("task-events", user, 0, 3).await);
    }
    eventually(TIMEOUT, "the other bridge relays everything", async || {
        fixture.outbox_rows().await == 0
    })
    .await;
    assert_eq!(cut_metrics.cut_off.get(), 1);
    assert_eq!(other_metrics.shards.get(), 12);

    kafka.proxy.recover();
    eventually(
        Duration::from_secs(40),
        "the bridge takes its share again",
        async || cut_metrics.shards.get() == 6 && other_metrics.shards.get() == 6,
    )
    .await;
    for stop in stop {
        stop.cancel();
    }
    for running in running {
        running.await.unwrap().unwrap();
    }
    let mut reader = Reader::start(fixture);
    let records = reader.read(72).await;
    let mut found = by_user(&records);
    // What was on its way when the connection fell silent may arrive a second time, after the others.
    for ids in found.values_mut() {
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(*id));
    }
    assert_eq!(found, emitted);
    reader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_session_unsent_events_never_follow_newer_ones() {
    let kafka = Proxied::start().await;
    let fixture = &kafka.fixture;
    let user = Uuid::new_v4();
    let mut relay = fixture.relay();
    relay.log = kafka.log().await;
    let mut shards = None;
    eventually(TIMEOUT, "the relay holds all shards", async || {
        relay.step(&mut shards).await.unwrap();
        shards
            .as_ref()
            .is_some_and(|shards| shards.numbers().len() == 12)
    })
    .await;
    kafka.proxy.fall_silent();
    let mut emitted = fixture.emit("task-events", user, 0, 20).await;
    let failed = tokio::join!(relay.step(&mut shards), async {
        eventually(TIMEOUT, "its session is ended", async || {
            let ended = fixture
                .admin
                .query(include_str!("../sql/end_relay_sessions.sql"), &[])
                .await
                .unwrap();
            !ended.is_empty()
        })
        .await;
    })
    .0;
    failed.unwrap_err();
    drop(shards);

    fixture.relay_all().await;
    emitted.extend(fixture.emit("task-events", user, 20, 5).await);
    fixture.relay_all().await;
    kafka.proxy.recover();
    eventually(
        TIMEOUT,
        "the first bridge reaches Kafka again",
        async || relay.log.ready().await.is_ok(),
    )
    .await;
    let mut shards = None;
    let marker = fixture.emit("task-events", Uuid::new_v4(), 0, 1).await;
    eventually(TIMEOUT, "it relays again", async || {
        relay.step(&mut shards).await.unwrap();
        fixture.outbox_rows().await == 0
    })
    .await;
    release(shards).await;
    emitted.extend(marker);
    let until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        assert_eq!(fixture.in_log("task-events").await, emitted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_slow_broker_has_acknowledged_is_not_sent_again() {
    let kafka = Proxied::start().await;
    let fixture = &kafka.fixture;
    let mut relay = fixture.relay();
    relay.log = kafka.log().await;
    let mut shards = None;
    let mut emitted = fixture.emit("task-events", Uuid::new_v4(), 0, 1).await;
    eventually(TIMEOUT, "the relay is connected", async || {
        relay.step(&mut shards).await.unwrap();
        fixture.outbox_rows().await == 0
    })
    .await;

    // After one acknowledgement, the rows were read too long ago to send the rest of them.
    kafka.proxy.slow_down(Slow {
        delay: Duration::from_millis(2200),
        loss: 0.0,
    });
    emitted.extend(fixture.emit("task-events", Uuid::new_v4(), 0, 5).await);
    eventually(TIMEOUT, "the events are relayed", async || {
        relay.step(&mut shards).await.unwrap();
        fixture.outbox_rows().await == 0
    })
    .await;
    release(shards).await;
    assert_eq!(fixture.in_log("task-events").await, emitted);
}

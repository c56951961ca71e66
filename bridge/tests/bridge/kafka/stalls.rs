//! A consumer that stalls while the brokers answer it is replaced. librdkafka recovers from a lost connection, but can stay without
//! records or without its coordinator for minutes.

use std::time::Duration;

use uuid::Uuid;

use crate::log::reader::Reader;
use crate::support::TIMEOUT;
use crate::support::kafka::Proxied;
use crate::support::wait::eventually;

/// API keys of the Kafka protocol: Fetch.
const FETCH: [i16; 1] = [1];
/// What a member asks the coordinator of its group: OffsetCommit, OffsetFetch, JoinGroup, Heartbeat, LeaveGroup and SyncGroup.
const COORDINATOR: [i16; 6] = [8, 9, 11, 12, 13, 14];

/// Reads events, drops these requests until the consumer is replaced for this reason, and reads what was appended meanwhile.
async fn replaced(withheld: &[i16], reason: &str) {
    let kafka = Proxied::start().await;
    let (fixture, user) = (&kafka.fixture, Uuid::new_v4());
    let mut emitted = fixture.emit("task-events", user, 0, 3).await;
    fixture.relay_all().await;
    let mut reader = Reader::start_on(&*kafka.log().await);
    let mut records = reader.read(3).await;

    kafka.proxy.withhold(withheld);
    // A broker that holds a request to fetch since before answers it with the first of these events.
    for first in [3, 6] {
        emitted.extend(fixture.emit("task-events", user, first, 3).await);
        fixture.relay_all().await;
    }
    eventually(TIMEOUT, "the consumer is replaced", async || {
        records.extend(reader.step(Duration::from_millis(10)).await);
        let (_, parts) = reader.health.report();
        parts.values().any(|state| state.contains(reason))
    })
    .await;

    kafka.proxy.withhold(&[]);
    eventually(TIMEOUT, "every event has arrived", async || {
        records.extend(reader.step(Duration::from_millis(10)).await);
        let arrived = |id: &Uuid| records.iter().any(|record| record.entry.event_id == *id);
        emitted.iter().all(arrived)
    })
    .await;
    reader.stop().await;
}

#[tokio::test]
async fn a_consumer_that_gets_no_records_is_replaced() {
    replaced(&FETCH, "has lag and receives no records").await;
}

#[tokio::test]
async fn a_consumer_that_loses_its_coordinator_is_replaced() {
    replaced(&COORDINATOR, "does not reach the coordinator").await;
}

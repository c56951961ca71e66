//! Dead letters that the log does not take.

use std::collections::BTreeSet;

use bridge::groups::GROUPS;
use bridge::log::Partition;
use domain::frame::Outcome;
use uuid::Uuid;

use super::fixture::DispatchFixture;
use crate::support::TIMEOUT;
use crate::support::agent::{Reply, results};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_cannot_be_written_stops_its_partition_alone() {
    let fixture = DispatchFixture::start().await;
    let admin = &fixture.log.admin;
    admin
        .batch_execute(include_str!("../sql/refuse_dead_letters.sql"))
        .await
        .unwrap();
    let bad = Uuid::new_v4();
    let _agent = fixture
        .agent("0", move |frame| {
            Reply::Answer(results(frame, |event| {
                if event.userid == bad && event.seq == 0 {
                    Outcome::Reject
                } else {
                    Outcome::Done
                }
            }))
        })
        .await;
    let ids = fixture.emit(bad, 0, 1).await;
    fixture.relay().await;
    let paused = &fixture.log.metrics.paused_partitions;
    let paused = paused.with_label_values(&["audit"]);
    fixture.gauge("the partition is paused", &paused, 1).await;

    for _ in 0..30 {
        fixture.emit(Uuid::new_v4(), 0, 2).await;
    }
    fixture.emit(bad, 1, 1).await;
    fixture.relay().await;
    let records = fixture.log.log.scan("task-events").await.unwrap();
    let partition_of = |user: Uuid| -> Partition {
        let mut records = records.iter();
        let record = records.find(|record| record.entry.user == user).unwrap();
        record.partition.clone()
    };
    let stopped = partition_of(bad);
    eventually(TIMEOUT, "the other partitions are settled", async || {
        let lag = fixture.log.log.lag(&GROUPS[0]).await.unwrap();
        let mut others = lag.iter().filter(|(partition, _)| *partition != stopped);
        others.all(|(_, behind)| *behind == 0)
    })
    .await;
    let seen = fixture.seen();
    let events = seen.iter().flat_map(|frame| &frame.events);
    let (of_stopped, others): (Vec<_>, Vec<_>) =
        events.partition(|event| partition_of(event.userid) == stopped);
    assert_eq!(of_stopped.len(), 1, "only the event that failed");
    assert!(!others.is_empty());
    assert!(fixture.dead_letter_ids().await.is_empty());

    admin
        .batch_execute(include_str!("../sql/accept_dead_letters.sql"))
        .await
        .unwrap();
    fixture.settled(TIMEOUT).await;
    fixture.only_dead_letter(ids[0]).await;
    let seen = fixture.seen();
    let events = seen.iter().flat_map(|frame| &frame.events);
    let events: BTreeSet<Uuid> = events.map(|event| event.id).collect();
    assert_eq!(events.len(), records.len(), "everything was delivered");
    fixture.gauge("no partition is paused", &paused, 0).await;
    fixture.stop().await;
}

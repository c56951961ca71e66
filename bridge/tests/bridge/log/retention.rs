//! A group whose offset lies before the start of the log has missed records.

use std::time::Duration;

use uuid::Uuid;

use super::reader::Reader;
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT, kafka};

pub async fn records_that_a_group_missed_are_counted(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    let user = Uuid::new_v4();
    fixture.emit("task-events", user, 0, 30).await;
    fixture.relay_all().await;
    let mut reader = Reader::start(&fixture);
    let records = reader.read(30).await;
    reader.settle(&records[..10]);
    reader.stop().await;

    let partition = records[0].partition.number;
    match kind {
        LogKind::Postgres => {
            fixture
                .admin
                .execute(include_str!("../sql/drop_records.sql"), &[&25_i64])
                .await
                .unwrap();
        }
        LogKind::Kafka => kafka::drop_records(&fixture, "task-events", partition, 25).await,
    }
    let mut reader = Reader::start(&fixture);
    assert_eq!(reader.read(5).await[0].offset, 25);
    let missed = reader
        .metrics
        .missed
        .with_label_values(&["readers", "task-events"]);
    eventually(TIMEOUT, "the missed records are counted", async || {
        reader.step(Duration::from_millis(10)).await;
        missed.get() == 15
    })
    .await;
    reader.stop().await;
}

//! Where a group begins that has never read a partition.

use std::time::Duration;

use bridge::groups::{Group, Start, USUAL};
use uuid::Uuid;

use super::reader::Reader;
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT};

static FROM_NOW: Group = Group {
    name: "from-now",
    topics: &["task-events"],
    start: Start::Now,
    ..USUAL
};
static FROM_EARLIEST: Group = Group {
    name: "from-earliest",
    topics: &["task-events"],
    ..USUAL
};

/// A group that begins now gets what is appended from now on, also what is appended while it is away before its first commit.
pub async fn a_new_group_begins_where_its_row_says(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    let users: Vec<Uuid> = (0..6).map(|_| Uuid::new_v4()).collect();
    for user in &users {
        fixture.emit("task-events", *user, 0, 2).await;
    }
    fixture.relay_all().await;
    let mut first = Reader::of(&FROM_NOW, &*fixture.log);
    eventually(TIMEOUT, "the group reads all partitions", async || {
        assert!(first.step(Duration::from_millis(10)).await.is_empty());
        first.held.len() == 3
    })
    .await;
    first.stop().await;
    let mut later = Vec::new();
    for user in &users {
        later.extend(fixture.emit("task-events", *user, 2, 1).await);
    }
    fixture.relay_all().await;
    let mut second = Reader::of(&FROM_NOW, &*fixture.log);
    let mut read: Vec<Uuid> = second
        .read(later.len())
        .await
        .iter()
        .map(|record| record.entry.event_id)
        .collect();
    read.sort_unstable();
    later.sort_unstable();
    assert_eq!(read, later);
    let mut earliest = Reader::of(&FROM_EARLIEST, &*fixture.log);
    assert_eq!(earliest.read(18).await.len(), 18);
    second.stop().await;
    earliest.stop().await;
}

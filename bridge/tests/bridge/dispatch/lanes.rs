//! Flow control: a lane holds two frames at most, and a lane that does not answer gets no more work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use uuid::Uuid;

use super::fixture::DispatchFixture;
use crate::support::TIMEOUT;
use crate::support::agent::{Reply, done};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_holds_two_frames_at_most() {
    let fixture = DispatchFixture::start().await;
    // Counts what is published, whether or not the agent has handled it yet. A second subscriber would do that too, but the
    // bridge gives a lane with two subscribers no work.
    let client = redis::Client::open(fixture.redis.url()).unwrap();
    let mut commands = client
        .get_async_monitor()
        .await
        .unwrap()
        .into_on_message::<String>();
    let (events, heartbeats) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (counted_events, counted_heartbeats) = (events.clone(), heartbeats.clone());
    let counting = tokio::spawn(async move {
        while let Some(command) = commands.next().await {
            let is = |kind: &str| command.contains(&format!(r#"\"kind\":\"{kind}\""#));
            if is("events") {
                counted_events.fetch_add(1, Ordering::Relaxed);
            } else if is("heartbeat") {
                counted_heartbeats.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let (_agent, delayed_answer) = fixture.agent_with_delayed_answer("0").await;
    for _ in 0..400 {
        fixture.emit(Uuid::new_v4(), 0, 1).await;
    }
    fixture.relay().await;
    // A heartbeat comes each second at most.
    eventually(
        TIMEOUT,
        "the lane has not answered for seconds",
        async || heartbeats.load(Ordering::Relaxed) >= 4,
    )
    .await;
    assert_eq!(
        events.load(Ordering::Relaxed),
        2,
        "one frame running and one queued"
    );
    delayed_answer.release();
    fixture.settled(TIMEOUT).await;
    assert!(
        fixture.dead_letter_ids().await.is_empty(),
        "a slow agent is not a crashed one"
    );
    counting.abort();
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_takes_four_seconds_is_sent_once_and_settles() {
    let fixture = DispatchFixture::start().await;
    let (_agent, delayed_answer) = fixture.agent_with_delayed_answer("0").await;
    fixture.lanes(1).await;
    fixture.emit(Uuid::new_v4(), 0, 20).await;
    fixture.relay().await;
    eventually(TIMEOUT, "the agent has the frame", async || {
        !fixture.seen().is_empty()
    })
    .await;
    let started = Instant::now();
    eventually(TIMEOUT, "the agent has taken four seconds", async || {
        started.elapsed() >= Duration::from_secs(4)
    })
    .await;
    delayed_answer.release();
    fixture.settled(TIMEOUT).await;
    let seen = fixture.seen();
    assert_eq!((seen.len(), seen[0].events.len()), (1, 20), "{seen:?}");
    let sent = fixture.log.metrics.frames.with_label_values(&["audit"]);
    assert_eq!(sent.get(), 1, "no copy waits in the lane");
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_two_processes_share_gets_no_work_until_one_is_left() {
    let fixture = DispatchFixture::start().await;
    let _first = fixture.agent("0", done).await;
    let second = fixture.agent("0", done).await;
    fixture
        .gauge("the lane is shared", &fixture.unfit_lanes("shared"), 1)
        .await;
    let messages = &fixture.log.metrics.shared_messages;
    assert!(messages.with_label_values(&["audit"]).get() > 0);
    fixture.emit(Uuid::new_v4(), 0, 10).await;
    fixture.relay().await;
    let buffered = fixture.log.metrics.buffered.with_label_values(&["audit"]);
    fixture.gauge("the events are read", &buffered, 10).await;
    assert!(fixture.seen().is_empty());
    assert_eq!(
        fixture.health.report().1["dispatch/audit/lanes"],
        "several processes subscribe to each lane of group audit"
    );
    drop(second);
    fixture.settled(TIMEOUT).await;
    assert_eq!(fixture.seen().len(), 1);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unresponsive_lane_gets_no_more_work() {
    let fixture = DispatchFixture::start().await;
    // A half-open connection looks like this: the agent stays subscribed and answers nothing, not even a heartbeat.
    let _unresponsive = fixture.agent("0", |_| Reply::NoAnswer).await;
    let _live = fixture.agent("1", done).await;
    for _ in 0..200 {
        fixture.emit(Uuid::new_v4(), 0, 1).await;
    }
    fixture.deliver().await;
    assert!(fixture.dead_letter_ids().await.is_empty());
    fixture.stop().await;
}

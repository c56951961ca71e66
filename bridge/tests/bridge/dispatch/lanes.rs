//! Flow control: a lane holds two frames at most, and a lane that does not answer gets no more work.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use domain::frame::Frame;
use uuid::Uuid;

use super::fixture::DispatchFixture;
use crate::support::TIMEOUT;
use crate::support::agent::{Reply, done, events};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_holds_two_frames_at_most() {
    let fixture = DispatchFixture::start().await;
    // This subscriber counts every message that Redis delivers, whether or not the agent has handled it yet.
    let client = redis::Client::open(fixture.redis.url()).unwrap();
    let mut listener = client.get_async_pubsub().await.unwrap();
    listener.psubscribe("spindle.audit.*").await.unwrap();
    let (_agent, delayed_answer) = fixture.agent_with_delayed_answer("0").await;
    for _ in 0..400 {
        fixture.emit(Uuid::new_v4(), 0, 1).await;
    }
    fixture.relay().await;
    let sent: Arc<Mutex<(BTreeSet<Uuid>, u32)>> = Arc::default();
    let counted = sent.clone();
    let counting = tokio::spawn(async move {
        let mut messages = futures::StreamExt::fuse(listener.into_on_message());
        while let Some(message) = futures::StreamExt::next(&mut messages).await {
            let frame: Frame = serde_json::from_slice(message.get_payload_bytes()).unwrap();
            let mut sent = counted.lock().unwrap();
            sent.1 = sent.1.max(frame.attempt);
            sent.0.extend(events(&frame).iter().map(|event| event.id));
        }
    });
    eventually(TIMEOUT, "the unanswered frame is sent again", async || {
        sent.lock().unwrap().1 >= 2
    })
    .await;
    let held = sent.lock().unwrap().0.len();
    assert!(
        held <= 128,
        "one frame running and one queued, not {held} events"
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

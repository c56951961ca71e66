//! How much a lane is given: two frames at most, and nothing more where nobody answers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use domain::frame::Frame;
use uuid::Uuid;

use crate::road::Road;
use crate::support::SOON;
use crate::support::agent::{Reply, done, events};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_holds_two_frames_and_no_more() {
    let road = Road::start().await;
    // Every message that Redis delivers is counted, whether or not the agent has come to it.
    let client = redis::Client::open(road.redis.url()).unwrap();
    let mut listener = client.get_async_pubsub().await.unwrap();
    listener.psubscribe("spindle.audit.*").await.unwrap();
    let (_agent, held_back) = road.hesitant_agent("0").await;
    for _ in 0..400 {
        road.emit(Uuid::new_v4(), 0, 1).await;
    }
    road.relay().await;
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
    eventually(SOON, "the unanswered frame is sent again", async || {
        sent.lock().unwrap().1 >= 2
    })
    .await;
    let held = sent.lock().unwrap().0.len();
    assert!(
        held <= 128,
        "one frame running and one queued, not {held} events"
    );
    held_back.release();
    road.settled(SOON).await;
    assert!(road.buried().await.is_empty(), "slow is not dead");
    counting.abort();
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deaf_lane_gets_no_more_work() {
    let road = Road::start().await;
    // It never answers, not even a heartbeat, and stays subscribed: a half-open connection looks like this.
    let _deaf = road.agent("0", |_| Reply::Silence).await;
    let _live = road.agent("1", done).await;
    for _ in 0..200 {
        road.emit(Uuid::new_v4(), 0, 1).await;
    }
    road.deliver().await;
    assert!(road.buried().await.is_empty());
    road.stop().await;
}

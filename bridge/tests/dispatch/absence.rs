//! Agents, Redis and the bridge itself may go away: nothing is lost, and nothing is buried for it.

use std::sync::{Arc, Mutex};

use bridge::topics::GROUPS;
use uuid::Uuid;

use crate::road::{Road, first_seen};
use crate::support::SOON;
use crate::support::agent::{Reply, done};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_agent_buries_nothing() {
    let road = Road::start().await;
    let user = Uuid::new_v4();
    road.emit(user, 0, 100).await;
    road.relay().await;
    eventually(SOON, "health says that no agent listens", async || {
        !road.health.report().0
    })
    .await;
    {
        // An agent that only swallows and then is gone.
        let _agent = road.agent("0", |_| Reply::Silence).await;
        eventually(SOON, "the agent swallows a frame", async || {
            !road.seen().is_empty()
        })
        .await;
    }
    let _agent = road.agent("1", done).await;
    road.settled(SOON).await;
    assert!(road.buried().await.is_empty());
    assert_eq!(
        first_seen(&road.seen())[&user],
        (0..100).collect::<Vec<_>>()
    );
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_its_database_loses_nothing_and_buries_nothing() {
    let road = Road::start().await;
    let ill = Arc::new(Mutex::new(true));
    let state = ill.clone();
    // It answers nothing, heartbeats included, and hears everything.
    let _agent = road
        .agent("0", move |frame| {
            if *state.lock().unwrap() {
                Reply::Silence
            } else {
                done(frame)
            }
        })
        .await;
    let user = Uuid::new_v4();
    road.emit(user, 0, 200).await;
    road.relay().await;
    eventually(SOON, "the lane is given no more work", async || {
        !road.seen().is_empty() && !road.health.report().0
    })
    .await;
    *ill.lock().unwrap() = false;
    road.settled(SOON).await;
    assert!(road.buried().await.is_empty());
    assert_eq!(
        first_seen(&road.seen())[&user],
        (0..200).collect::<Vec<_>>()
    );
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_go_and_come_back() {
    let road = Road::start().await;
    let agent = road.agent("0", done).await;
    let user = Uuid::new_v4();
    road.emit(user, 0, 10).await;
    road.deliver().await;
    road.redis.kill().await;
    drop(agent);
    road.emit(user, 10, 10).await;
    road.relay().await;
    eventually(SOON, "health says that Redis is away", async || {
        road.health.report().1["redis"] != "ok"
    })
    .await;
    road.redis.restart().await.unwrap();
    let _agent = road.agent("0", done).await;
    road.settled(SOON).await;
    assert_eq!(first_seen(&road.seen())[&user], (0..20).collect::<Vec<_>>());
    eventually(SOON, "all is well again", async || road.health.report().0).await;
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_settles_what_is_in_flight() {
    let road = Road::start().await;
    let (_agent, held_back) = road.hesitant_agent("0").await;
    road.emit(Uuid::new_v4(), 0, 10).await;
    road.relay().await;
    eventually(SOON, "a frame is in flight", async || {
        !road.seen().is_empty()
    })
    .await;
    road.stop.cancel();
    held_back.release();
    let log = road.ground.log.clone();
    road.stop().await;
    let lag = log.lag(&GROUPS[0]).await.unwrap();
    assert!(lag.iter().all(|(_, behind)| *behind == 0), "{lag:?}");
}

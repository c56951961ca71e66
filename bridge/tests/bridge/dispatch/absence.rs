//! Outages of agents, of Redis and of the bridge itself lose no event and cause no dead letter.

use std::sync::{Arc, Mutex};

use bridge::groups::GROUPS;
use uuid::Uuid;

use super::fixture::{DispatchFixture, first_seen};
use crate::support::TIMEOUT;
use crate::support::agent::{Reply, done};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_agent_causes_no_dead_letters() {
    let fixture = DispatchFixture::start().await;
    let user = Uuid::new_v4();
    fixture.emit(user, 0, 100).await;
    fixture.relay().await;
    eventually(
        TIMEOUT,
        "health reports that no agent is subscribed",
        async || !fixture.health.report().0,
    )
    .await;
    {
        // This agent receives a frame, does not answer it, and disappears.
        let _agent = fixture.agent("0", |_| Reply::NoAnswer).await;
        eventually(TIMEOUT, "the agent receives a frame", async || {
            !fixture.seen().is_empty()
        })
        .await;
    }
    let _agent = fixture.agent("1", done).await;
    fixture.settled(TIMEOUT).await;
    assert!(fixture.dead_letter_ids().await.is_empty());
    assert_eq!(
        first_seen(&fixture.seen())[&user],
        (0..100).collect::<Vec<_>>()
    );
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_answers_nothing_causes_neither_loss_nor_dead_letters() {
    let fixture = DispatchFixture::start().await;
    let silent = Arc::new(Mutex::new(true));
    let state = silent.clone();
    let _agent = fixture
        .agent("0", move |frame| {
            if *state.lock().unwrap() {
                Reply::NoAnswer
            } else {
                done(frame)
            }
        })
        .await;
    let user = Uuid::new_v4();
    fixture.emit(user, 0, 200).await;
    fixture.relay().await;
    fixture
        .gauge("the lane is deaf", &fixture.unfit_lanes("deaf"), 1)
        .await;
    assert!(!fixture.seen().is_empty() && !fixture.health.report().0);
    *silent.lock().unwrap() = false;
    fixture.settled(TIMEOUT).await;
    assert!(fixture.dead_letter_ids().await.is_empty());
    assert_eq!(
        first_seen(&fixture.seen())[&user],
        (0..200).collect::<Vec<_>>()
    );
    fixture.stop().await;
}

/// A disk is full, for instance: the agent cannot record events, and answers empty heartbeats as if nothing were wrong.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_cannot_work_is_shown_and_no_event_is_blamed() {
    let fixture = DispatchFixture::start().await;
    let sick = Arc::new(Mutex::new(true));
    let state = sick.clone();
    let _agent = fixture
        .agent("0", move |frame| {
            if *state.lock().unwrap() && !frame.events.is_empty() {
                Reply::Unwell
            } else {
                done(frame)
            }
        })
        .await;
    let users: Vec<Uuid> = (0..100).map(|_| Uuid::new_v4()).collect();
    for user in &users {
        fixture.emit(*user, 0, 3).await;
    }
    fixture.relay().await;
    fixture
        .gauge("the lane is sick", &fixture.unfit_lanes("sick"), 1)
        .await;
    // More failures than an event may cause.
    eventually(TIMEOUT, "the agent has failed eight times", async || {
        fixture.seen().len() >= 8
    })
    .await;
    let (ready, parts) = fixture.health.report();
    assert!(!ready);
    assert_eq!(
        parts["dispatch/audit/lanes"],
        "the agent of group audit cannot work: 53100: the disk is full"
    );
    assert!(fixture.seen().len() < 30, "its work has pauses");
    *sick.lock().unwrap() = false;
    fixture.settled(TIMEOUT).await;
    assert!(fixture.dead_letter_ids().await.is_empty());
    let seen = fixture.seen();
    assert!(seen.iter().all(|frame| frame.attempt == 1));
    let by_user = first_seen(&seen);
    assert!(users.iter().all(|user| by_user[user] == [0, 1, 2]));
    fixture
        .gauge("no lane is sick", &fixture.unfit_lanes("sick"), 0)
        .await;
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_resumes_after_a_restart_of_redis() {
    let fixture = DispatchFixture::start().await;
    let agent = fixture.agent("0", done).await;
    let user = Uuid::new_v4();
    fixture.emit(user, 0, 10).await;
    fixture.deliver().await;
    fixture.redis.kill().await;
    drop(agent);
    fixture.emit(user, 10, 10).await;
    fixture.relay().await;
    eventually(
        TIMEOUT,
        "health reports that Redis is unreachable",
        async || fixture.health.report().1["redis"] != "ok",
    )
    .await;
    fixture.redis.restart().await.unwrap();
    let _agent = fixture.agent("0", done).await;
    fixture.settled(TIMEOUT).await;
    assert_eq!(
        first_seen(&fixture.seen())[&user],
        (0..20).collect::<Vec<_>>()
    );
    eventually(TIMEOUT, "health reports no fault", async || {
        fixture.health.report().0
    })
    .await;
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_settles_the_frames_in_flight() {
    let fixture = DispatchFixture::start().await;
    let (_agent, delayed_answer) = fixture.agent_with_delayed_answer("0").await;
    fixture.emit(Uuid::new_v4(), 0, 10).await;
    fixture.relay().await;
    eventually(TIMEOUT, "a frame is in flight", async || {
        !fixture.seen().is_empty()
    })
    .await;
    fixture.stop.cancel();
    delayed_answer.release();
    let log = fixture.log.log.clone();
    fixture.stop().await;
    let lag = log.lag(&GROUPS[0]).await.unwrap();
    assert!(lag.iter().all(|(_, behind)| *behind == 0), "{lag:?}");
}

//! Events that fail: tried again alone, and buried when that does not help.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge::dead_letter::{ATTEMPTS, ERROR, GROUP, OFFSET, TOPIC};
use domain::frame::Outcome;
use uuid::Uuid;

use crate::road::{Road, first_seen, header};
use crate::support;
use crate::support::SOON;
use crate::support::agent::{Reply, Seen, done, events, results};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_always_wants_another_try_waits_alone_and_dies() {
    let road = Road::start().await;
    let stubborn = Uuid::new_v4();
    let _agent = road
        .agent("0", move |frame| {
            Reply::Answer(results(frame, |event| {
                if event.userid == stubborn && event.seq == 0 {
                    Outcome::Retry
                } else {
                    Outcome::Done
                }
            }))
        })
        .await;
    let ids = road.emit(stubborn, 0, 1).await;
    road.relay().await;
    eventually(SOON, "the stubborn event has been tried", async || {
        !road.seen().is_empty()
    })
    .await;
    let other = Uuid::new_v4();
    road.emit(stubborn, 1, 2).await;
    road.emit(other, 0, 3).await;
    road.deliver().await;
    let letter = road.only_letter(ids[0]).await;
    assert_eq!(header(&letter, TOPIC), "task-events");
    assert_eq!(header(&letter, GROUP), "audit");
    assert_eq!(header(&letter, ATTEMPTS), "6");
    assert_eq!(
        header(&letter, ERROR),
        "failed again after 5 retries: because"
    );
    assert!(header(&letter, OFFSET).parse::<i64>().is_ok());
    let seen = road.seen();
    let tries: Vec<&Seen> = seen
        .iter()
        .filter(|frame| frame.events.iter().any(|event| event.id == ids[0]))
        .collect();
    assert_eq!(tries.len(), 6);
    assert!(tries.iter().all(|frame| frame.events.len() == 1));
    let by_user = first_seen(&seen);
    assert_eq!(by_user[&stubborn], [0, 1, 2]);
    let place = |user: Uuid, seq: usize| {
        let is_it = |frame: &Seen| {
            frame
                .events
                .iter()
                .any(|event| event.userid == user && event.seq == seq)
        };
        seen.iter().position(is_it).unwrap()
    };
    assert!(
        place(other, 2) < place(stubborn, 1),
        "others do not wait for it, its own user does"
    );
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_to_be_tried_again_is_taken_apart_at_once() {
    let road = Road::start().await;
    let spoilt = Uuid::new_v4();
    // One event spoils the statement for all of its frame, as one does that a constraint refuses.
    let _agent = road
        .agent("0", move |frame| {
            let spoils = events(frame).iter().any(|event| event.userid == spoilt);
            let outcome = if spoils {
                Outcome::Retry
            } else {
                Outcome::Done
            };
            Reply::Answer(results(frame, |_| outcome))
        })
        .await;
    for number in 0..64 {
        let user = if number == 13 { spoilt } else { Uuid::new_v4() };
        road.emit(user, 0, 1).await;
    }
    road.deliver().await;
    let letters = road.dead_letters().await;
    assert_eq!(
        letters
            .iter()
            .map(|letter| letter.entry.user)
            .collect::<Vec<_>>(),
        [spoilt]
    );
    let mut tries: HashMap<Uuid, usize> = HashMap::new();
    for event in road.seen().iter().flat_map(|frame| &frame.events) {
        *tries.entry(event.userid).or_default() += 1;
    }
    assert!(
        tries
            .iter()
            .all(|(user, tries)| *tries <= if *user == spoilt { 6 } else { 2 }),
        "{tries:?}"
    );
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_event_dies_at_once_and_alone() {
    let road = Road::start().await;
    let user = Uuid::new_v4();
    let _agent = road
        .agent("0", |frame| {
            Reply::Answer(results(frame, |event| {
                if event.seq == 1 {
                    Outcome::Reject
                } else {
                    Outcome::Done
                }
            }))
        })
        .await;
    let ids = road.emit(user, 0, 3).await;
    road.deliver().await;
    let letter = road.only_letter(ids[1]).await;
    assert_eq!(
        (header(&letter, ATTEMPTS), header(&letter, ERROR)),
        ("1", "rejected: because")
    );
    let original = support::event(ids[1], user, 1);
    assert_eq!(
        letter.entry.event,
        original.as_bytes(),
        "the event as it was"
    );
    assert_eq!(road.seen().len(), 1);
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_kills_its_handler_is_halved_until_the_killer_stands_alone() {
    let road = Road::start().await;
    let killer: Arc<Mutex<Option<Uuid>>> = Arc::default();
    let poison = killer.clone();
    let _agent = road
        .agent("0", move |frame| {
            let deadly = events(frame)
                .iter()
                .any(|event| Some(event.id) == *poison.lock().unwrap());
            if deadly { Reply::Silence } else { done(frame) }
        })
        .await;
    let mut ids = Vec::new();
    for _ in 0..32 {
        ids.extend(road.emit(Uuid::new_v4(), 0, 1).await);
    }
    *killer.lock().unwrap() = Some(ids[13]);
    road.relay().await;
    road.settled(Duration::from_secs(60)).await;
    let letter = road.only_letter(ids[13]).await;
    assert!(header(&letter, ERROR).contains("died"));
    let seen = road.seen();
    let sizes: Vec<usize> = seen
        .iter()
        .filter(|frame| frame.events.iter().any(|event| event.id == ids[13]))
        .map(|frame| frame.events.len())
        .collect();
    assert!(
        sizes.windows(2).all(|pair| pair[1] <= pair[0]) && sizes.last() == Some(&1),
        "{sizes:?}"
    );
    road.stop().await;
}

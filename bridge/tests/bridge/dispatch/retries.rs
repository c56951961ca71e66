//! Events that fail are retried alone, and become dead letters when retries do not help.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge::dead_letter::{ATTEMPTS, ERROR, GROUP, OFFSET, TOPIC};
use domain::frame::Outcome;
use uuid::Uuid;

use super::fixture::{DispatchFixture, first_seen, header};
use crate::support;
use crate::support::TIMEOUT;
use crate::support::agent::{Reply, Seen, done, events, results};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_always_asks_for_a_retry_is_retried_alone_and_becomes_a_dead_letter() {
    let fixture = DispatchFixture::start().await;
    let failing = Uuid::new_v4();
    let _agent = fixture
        .agent("0", move |frame| {
            Reply::Answer(results(frame, |event| {
                if event.userid == failing && event.seq == 0 {
                    Outcome::Retry
                } else {
                    Outcome::Done
                }
            }))
        })
        .await;
    let ids = fixture.emit(failing, 0, 1).await;
    fixture.relay().await;
    eventually(TIMEOUT, "the failing event has been tried", async || {
        !fixture.seen().is_empty()
    })
    .await;
    let other = Uuid::new_v4();
    fixture.emit(failing, 1, 2).await;
    fixture.emit(other, 0, 3).await;
    fixture.deliver().await;
    let letter = fixture.only_dead_letter(ids[0]).await;
    assert_eq!(header(&letter, TOPIC), "task-events");
    assert_eq!(header(&letter, GROUP), "audit");
    assert_eq!(header(&letter, ATTEMPTS), "6");
    assert_eq!(
        header(&letter, ERROR),
        "failed again after 5 retries: because"
    );
    assert!(header(&letter, OFFSET).parse::<i64>().is_ok());
    let seen = fixture.seen();
    let tries: Vec<&Seen> = seen
        .iter()
        .filter(|frame| frame.events.iter().any(|event| event.id == ids[0]))
        .collect();
    assert_eq!(tries.len(), 6);
    assert!(tries.iter().all(|frame| frame.events.len() == 1));
    let by_user = first_seen(&seen);
    assert_eq!(by_user[&failing], [0, 1, 2]);
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
        place(other, 2) < place(failing, 1),
        "only the failing event's own user waits for it"
    );
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_answered_with_retry_is_split_into_single_events_at_once() {
    let fixture = DispatchFixture::start().await;
    let bad = Uuid::new_v4();
    // One bad event fails the statement for its whole frame, as an event does that violates a constraint.
    let _agent = fixture
        .agent("0", move |frame| {
            let contains_bad = events(frame).iter().any(|event| event.userid == bad);
            let outcome = if contains_bad {
                Outcome::Retry
            } else {
                Outcome::Done
            };
            Reply::Answer(results(frame, |_| outcome))
        })
        .await;
    for number in 0..64 {
        let user = if number == 13 { bad } else { Uuid::new_v4() };
        fixture.emit(user, 0, 1).await;
    }
    fixture.deliver().await;
    let letters = fixture.dead_letters().await;
    assert_eq!(
        letters
            .iter()
            .map(|letter| letter.entry.user)
            .collect::<Vec<_>>(),
        [bad]
    );
    let mut tries: HashMap<Uuid, usize> = HashMap::new();
    for event in fixture.seen().iter().flat_map(|frame| &frame.events) {
        *tries.entry(event.userid).or_default() += 1;
    }
    assert!(
        tries
            .iter()
            .all(|(user, tries)| *tries <= if *user == bad { 6 } else { 2 }),
        "{tries:?}"
    );
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_rejected_event_becomes_a_dead_letter_and_at_once() {
    let fixture = DispatchFixture::start().await;
    let user = Uuid::new_v4();
    let _agent = fixture
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
    let ids = fixture.emit(user, 0, 3).await;
    fixture.deliver().await;
    let letter = fixture.only_dead_letter(ids[1]).await;
    assert_eq!(
        (header(&letter, ATTEMPTS), header(&letter, ERROR)),
        ("1", "rejected: because")
    );
    let original = support::event(ids[1], user, 1);
    assert_eq!(
        letter.entry.event,
        original.as_bytes(),
        "the event is unchanged"
    );
    assert_eq!(fixture.seen().len(), 1);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_kills_its_handler_is_halved_until_the_poison_event_is_alone() {
    let fixture = DispatchFixture::start().await;
    let poison: Arc<Mutex<Option<Uuid>>> = Arc::default();
    let deadly_id = poison.clone();
    let _agent = fixture
        .agent("0", move |frame| {
            let deadly = events(frame)
                .iter()
                .any(|event| Some(event.id) == *deadly_id.lock().unwrap());
            if deadly { Reply::NoAnswer } else { done(frame) }
        })
        .await;
    let mut ids = Vec::new();
    for _ in 0..32 {
        ids.extend(fixture.emit(Uuid::new_v4(), 0, 1).await);
    }
    *poison.lock().unwrap() = Some(ids[13]);
    fixture.relay().await;
    fixture.settled(Duration::from_secs(60)).await;
    let letter = fixture.only_dead_letter(ids[13]).await;
    assert!(header(&letter, ERROR).contains("died"));
    let seen = fixture.seen();
    let sizes: Vec<usize> = seen
        .iter()
        .filter(|frame| frame.events.iter().any(|event| event.id == ids[13]))
        .map(|frame| frame.events.len())
        .collect();
    assert!(
        sizes.windows(2).all(|pair| pair[1] <= pair[0]) && sizes.last() == Some(&1),
        "{sizes:?}"
    );
    fixture.stop().await;
}

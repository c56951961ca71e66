//! How frames are made: their limits, the credit of a lane, one frame at a time for each user.

use domain::event::EventType;
use domain::frame::{Kind, Outcome};

use super::harness::{FRAME_WAIT, FULL, Harness, MS, group, partition, seqs_of, users_of};
use crate::groups::{Group, Types};
use crate::log::Headers;

#[test]
fn a_full_frame_is_sent_at_once() {
    let mut h = Harness::new(&["a"]);
    for user in 0..3 {
        h.read(user, 1);
    }
    h.nothing_sent();
    h.read(3, 1);
    assert_eq!(h.one().events.len(), FULL);
}

#[test]
fn a_frame_that_is_not_full_is_sent_after_its_wait() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    h.wait(FRAME_WAIT - MS);
    h.nothing_sent();
    assert_eq!(h.queue.next_wake(h.now), h.now + MS);
    h.wait(MS);
    let sent = h.one();
    assert_eq!(seqs_of(&sent, 1), [0]);
    assert_eq!(
        (sent.lane(), sent.attempt(), sent.frame.kind),
        ("a", 1, Kind::Events)
    );
    assert_eq!(sent.frame.reply_to, "spindle.ack.test");
}

#[test]
fn a_frame_holds_no_more_events_than_its_limit() {
    let mut h = Harness::new(&[]);
    for user in 0..6 {
        h.read(user, 1);
    }
    h.found(&["a"]);
    assert_eq!(h.one().events.len(), FULL);
    assert_eq!(h.next().events.len(), 2);
}

#[test]
fn a_frame_holds_no_more_bytes_than_its_limit() {
    let mut h = Harness::unsubscribed(200);
    h.queue.subscribed();
    h.queue.assign(&[partition(0)]);
    h.found(&["a"]);
    // An event has about 33 bytes and its padding: two of these fit, three do not.
    for user in 1..=3 {
        h.read_record(0, user, 60, Headers::new());
    }
    h.wait(FRAME_WAIT);
    let sent = h.sent();
    assert_eq!(
        sent.iter()
            .map(|sent| sent.events.len())
            .collect::<Vec<_>>(),
        [2, 1]
    );
}

#[test]
fn an_event_larger_than_a_frame_travels_alone() {
    let mut h = Harness::unsubscribed(200);
    h.queue.subscribed();
    h.queue.assign(&[partition(0)]);
    h.found(&["a"]);
    h.read_record(0, 1, 1_000, Headers::new());
    h.read_record(0, 2, 0, Headers::new());
    h.wait(FRAME_WAIT);
    let sent = h.sent();
    assert_eq!(
        sent.iter()
            .map(|sent| sent.events.len())
            .collect::<Vec<_>>(),
        [1, 1]
    );
    assert_eq!(seqs_of(&sent[0], 1), [0]);
}

#[test]
fn a_lane_holds_one_running_and_one_queued_frame() {
    let mut h = Harness::new(&["a"]);
    for user in 0..12 {
        h.read(user, 1);
    }
    let sent = h.sent();
    assert_eq!(sent.len(), 2);
    h.wait(FRAME_WAIT);
    h.nothing_sent();
    h.done(&sent[0]);
    assert_eq!(h.one().events.len(), FULL);
    h.nothing_sent();
}

#[test]
fn a_user_is_in_one_frame_at_a_time() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 6);
    let first = h.one();
    assert_eq!(seqs_of(&first, 1), [0, 1, 2, 3]);
    h.read(2, 1);
    let other = h.next();
    assert_eq!(users_of(&[other]), [2].into());
    h.done(&first);
    assert_eq!(seqs_of(&h.one(), 1), [4, 5], "they have waited long enough");
}

#[test]
fn users_share_frames_and_stay_in_order() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    h.read(2, 2);
    h.read(1, 1);
    let sent = h.one();
    assert_eq!(
        (seqs_of(&sent, 1), seqs_of(&sent, 2)),
        (vec![0, 1], vec![0, 1])
    );
}

#[test]
fn nothing_is_sent_without_a_lane_or_a_subscription() {
    let mut h = Harness::unsubscribed(1_000);
    h.queue.assign(&[partition(0)]);
    h.read(1, FULL);
    h.nothing_sent();
    h.found(&["a"]);
    h.nothing_sent();
    assert!(h.heartbeats().is_empty());
    h.queue.subscribed();
    assert_eq!(seqs_of(&h.one(), 1), [0, 1, 2, 3]);
    assert_eq!(h.heartbeats().len(), 1);
}

#[test]
fn events_of_types_that_the_agent_does_not_want_settle_without_a_frame() {
    let mut h = Harness::of(Group {
        types: Types::Only(&[EventType::TaskCompleted]),
        ..group(1_000)
    });
    h.queue.subscribed();
    h.queue.assign(&[partition(0)]);
    h.found(&["a"]);
    h.read_typed(0, 1, "task.created");
    h.read_typed(0, 1, "task.completed");
    h.read_typed(0, 1, "task.updated");
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 1));
    let sent = h.next();
    assert_eq!(seqs_of(&sent, 1), [1]);
    h.done(&sent);
    assert_eq!(h.mark(0), 3);
}

#[test]
fn bytes_are_counted_wherever_the_events_are() {
    let mut h = Harness::new(&["a"]);
    assert_eq!(h.queue.held().bytes, 0);
    for user in 1..=6 {
        h.read_record(0, user, 1_000, Headers::new());
    }
    // Three fit into the frame that is sent at once, and three wait.
    let all = h.queue.held().bytes;
    assert!((6_000..6_600).contains(&all), "{all}");
    h.wait(FRAME_WAIT);
    for sent in h.sent() {
        h.answer_all(&sent, Outcome::Reject);
    }
    h.wait(FRAME_WAIT);
    assert!(
        h.queue.held().bytes > 5_000,
        "dead letters are kept until they are written"
    );
    h.refuse_letters();
    h.write_letters();
    while h.queue.unsettled() > 0 {
        h.wait(FRAME_WAIT);
        for sent in h.sent() {
            h.done(&sent);
        }
    }
    assert_eq!(h.queue.held().bytes, 0);
}

#[test]
fn unsettled_events_are_counted_wherever_they_are() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 6);
    assert_eq!((h.queue.unsettled(), h.queue.frames_in_flight()), (6, 1));
    let first = h.one();
    h.done(&first);
    assert_eq!((h.queue.unsettled(), h.queue.frames_in_flight()), (2, 0));
    let second = h.next();
    assert_eq!((h.queue.unsettled(), h.queue.frames_in_flight()), (2, 1));
    h.answer_all(&second, Outcome::Reject);
    assert_eq!((h.queue.unsettled(), h.queue.frames_in_flight()), (2, 0));
    h.write_letters();
    assert_eq!(h.queue.unsettled(), 0);
}

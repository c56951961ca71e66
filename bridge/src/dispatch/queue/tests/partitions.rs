//! Partitions that come and go: marks, epochs and hand-overs.

use std::time::Duration;

use domain::frame::Outcome;

use super::harness::{BACKOFF, FRAME_WAIT, FULL, Harness, MS, SECOND, partition, seqs_of};
use crate::log::{FOR_GROUP, Headers};

const LIMIT: Duration = Duration::from_secs(2);

#[test]
fn the_mark_waits_for_the_first_unsettled_record() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    h.read(2, FULL);
    let sent = h.sent();
    h.done(&sent[1]);
    assert_eq!(h.mark(0), 0);
    h.done(&sent[0]);
    assert_eq!(h.mark(0), 8);
}

#[test]
fn each_partition_has_its_own_mark() {
    let mut h = Harness::new(&["a"]);
    h.queue.assign(&[partition(1)]);
    h.read_from(0, 1, FULL);
    h.read_from(1, 2, FULL);
    let sent = h.sent();
    h.done(&sent[1]);
    assert_eq!((h.mark(0), h.mark(1)), (0, 4));
}

#[test]
fn records_for_another_group_are_skipped() {
    let mut h = Harness::new(&["a"]);
    let for_group = |name: &str| Headers::from([(FOR_GROUP.to_owned(), name.to_owned())]);
    h.read_record(0, 1, 0, for_group("other"));
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 0));
    h.read_record(0, 1, 0, for_group("audit"));
    h.read_record(0, 1, 0, for_group("other"));
    let sent = h.next();
    assert_eq!(seqs_of(&sent, 1), [1]);
    h.done(&sent);
    assert_eq!(h.mark(0), 3);
}

#[test]
fn records_of_partitions_that_are_not_assigned_are_ignored() {
    let mut h = Harness::new(&["a"]);
    h.read_from(7, 1, FULL);
    h.nothing_sent();
    assert_eq!((h.queue.unsettled(), h.mark(7)), (0, 0));
}

#[test]
fn a_hand_over_drops_what_waits_and_settles_what_is_in_flight() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 6);
    let sent = h.one();
    let mut settled = h.hand_over(0, LIMIT);
    assert_eq!(h.queue.unsettled(), 4);
    assert!(settled.try_recv().is_err());
    h.done(&sent);
    assert_eq!(
        h.mark(0),
        4,
        "the mark is passed on before the hand-over ends"
    );
    settled.try_recv().unwrap();
    h.wait(SECOND);
    h.nothing_sent();
    assert_eq!((h.queue.unsettled(), h.queue.partitions()), (0, 0));
}

#[test]
fn a_hand_over_waits_no_longer_than_its_limit() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    let mut settled = h.hand_over(0, LIMIT);
    h.wait(LIMIT - MS);
    assert!(settled.try_recv().is_err());
    h.wait(MS);
    settled.try_recv().unwrap();
    h.done(&sent);
    assert_eq!(h.mark(0), 0, "the next reader has it");
}

#[test]
fn a_hand_over_waits_for_dead_letters() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.answer_all(&sent, Outcome::Reject);
    let mut settled = h.hand_over(0, LIMIT);
    assert!(settled.try_recv().is_err());
    h.write_letters();
    assert_eq!(h.mark(0), 4);
    settled.try_recv().unwrap();
}

#[test]
fn a_hand_over_without_work_in_flight_ends_at_once() {
    let mut h = Harness::new(&[]);
    h.read(1, FULL);
    let mut settled = h.hand_over(0, LIMIT);
    settled.try_recv().unwrap();
    assert_eq!((h.queue.unsettled(), h.mark(0)), (0, 0));
}

#[test]
fn failures_during_a_hand_over_are_left_to_the_next_reader() {
    for outcome in [Outcome::Retry, Outcome::Reject] {
        let mut h = Harness::new(&["a"]);
        h.read(1, FULL);
        let sent = h.one();
        let mut settled = h.hand_over(0, LIMIT);
        h.answer(
            &sent,
            [Outcome::Done, outcome, Outcome::Done, Outcome::Done],
        );
        settled.try_recv().unwrap();
        assert_eq!((h.mark(0), h.queue.unsettled()), (1, 0));
        assert!(h.letters.is_empty());
        h.wait(SECOND);
        h.nothing_sent();
    }
}

#[test]
fn records_that_arrive_during_a_hand_over_are_left_to_the_next_reader() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    let _settled = h.hand_over(0, LIMIT);
    h.read(2, FULL);
    h.nothing_sent();
    h.done(&sent);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

#[test]
fn other_partitions_of_the_same_user_go_on() {
    let mut h = Harness::new(&["a"]);
    h.queue.assign(&[partition(1)]);
    h.read_from(0, 1, 1);
    h.read_from(1, 1, 1);
    let _settled = h.hand_over(0, LIMIT);
    assert_eq!(seqs_of(&h.next(), 1), [1]);
}

#[test]
fn an_answer_from_before_a_loss_does_not_settle_the_new_assignment() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let old = h.one();
    h.lose(0);
    h.queue.assign(&[partition(0)]);
    h.read_again(0, &[(1, 0), (1, 1), (1, 2), (1, 3)]);
    h.nothing_sent();
    h.done(&old);
    assert_eq!(h.mark(0), 0);
    let new = h.one();
    assert!(new.frame.epoch > old.frame.epoch);
    h.done(&new);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

#[test]
fn a_retry_from_before_a_loss_is_not_delivered_twice() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let old = h.next();
    h.lose(0);
    h.queue.assign(&[partition(0)]);
    h.read_again(0, &[(1, 0)]);
    h.answer_all(&old, Outcome::Retry);
    let new = h.next();
    h.done(&new);
    h.wait(BACKOFF);
    h.nothing_sent();
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 0));
}

#[test]
fn a_dead_letter_from_before_a_loss_does_not_settle_the_new_assignment() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let old = h.next();
    h.answer_all(&old, Outcome::Reject);
    h.lose(0);
    h.queue.assign(&[partition(0)]);
    h.read_again(0, &[(1, 0)]);
    let new = h.next();
    h.write_letters();
    assert_eq!((h.mark(0), h.queue.unsettled()), (0, 1));
    h.done(&new);
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 0));
}

#[test]
fn a_partition_that_is_assigned_again_during_its_hand_over_is_read_again() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let old = h.one();
    let mut settled = h.hand_over(0, LIMIT);
    assert!(settled.try_recv().is_err());
    // The session with the log was lost, so the hand-over has nobody to end it, and the partition comes back.
    h.queue.assign(&[partition(0)]);
    h.read_again(0, &[(1, 0), (1, 1), (1, 2), (1, 3), (2, 0)]);
    settled.try_recv().unwrap();
    h.done(&old);
    assert_eq!(h.mark(0), 0, "the old assignment settles nothing any more");
    for _ in 0..3 {
        h.wait(FRAME_WAIT);
        for sent in &h.sent() {
            h.done(sent);
        }
    }
    assert_eq!((h.mark(0), h.queue.unsettled()), (5, 0));
    h.wait(2 * LIMIT);
    assert_eq!(h.queue.partitions(), 1);
}

#[test]
fn a_second_hand_over_does_not_wait_for_what_the_first_left_behind() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let _old = h.one();
    let _first = h.hand_over(0, LIMIT);
    h.queue.assign(&[partition(0)]);
    h.run();
    let mut second = h.hand_over(0, LIMIT);
    second.try_recv().unwrap();
    assert_eq!(h.queue.partitions(), 0);
}

#[test]
fn a_partition_that_is_lost_during_its_hand_over_is_read_again_later() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let _old = h.one();
    let mut settled = h.hand_over(0, LIMIT);
    h.lose(0);
    settled.try_recv().unwrap();
    h.queue.assign(&[partition(0)]);
    h.read_again(0, &[(2, 0), (2, 1), (2, 2), (2, 3)]);
    let sent = h.one();
    h.done(&sent);
    assert_eq!(h.mark(0), 4);
}

#[test]
fn a_partition_whose_dead_letter_cannot_be_written_gets_no_work_and_others_go_on() {
    let mut h = Harness::new(&["a"]);
    h.queue.assign(&[partition(1)]);
    h.read(1, FULL);
    let sent = h.one();
    h.answer(
        &sent,
        [Outcome::Reject, Outcome::Done, Outcome::Done, Outcome::Done],
    );
    // It waits when the letter fails.
    h.read(1, 1);
    h.refuse_letters();
    assert_eq!(h.queue.paused_partitions().count(), 1);
    // These come after that.
    h.read(2, 2);
    h.read_from(1, 3, FULL);
    let other = h.one();
    assert_eq!(
        seqs_of(&other, 3),
        [0, 1, 2, 3],
        "the other partition goes on"
    );
    h.done(&other);
    h.wait(SECOND);
    h.nothing_sent();
    assert_eq!((h.mark(0), h.mark(1), h.queue.unsettled()), (0, 4, 4));
    h.write_letters();
    assert_eq!(h.queue.paused_partitions().count(), 0);
    let rest = h.one();
    assert_eq!(
        (seqs_of(&rest, 1), seqs_of(&rest, 2)),
        (vec![4], vec![0, 1])
    );
    h.done(&rest);
    assert_eq!((h.mark(0), h.queue.unsettled()), (7, 0));
}

#[test]
fn events_that_come_back_into_a_paused_partition_keep_their_order() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    h.read(2, FULL);
    let sent = h.sent();
    h.answer(
        &sent[0],
        [Outcome::Reject, Outcome::Done, Outcome::Done, Outcome::Done],
    );
    h.read(2, 1);
    h.refuse_letters();
    h.answer(
        &sent[1],
        [
            Outcome::Done,
            Outcome::Later,
            Outcome::Later,
            Outcome::Later,
        ],
    );
    h.wait(5 * SECOND);
    h.nothing_sent();
    h.write_letters();
    let again = h.one();
    assert_eq!(seqs_of(&again, 2), [1, 2, 3, 4]);
    h.done(&again);
    assert_eq!((h.mark(0), h.queue.unsettled()), (9, 0));
}

#[test]
fn the_pause_of_a_partition_ends_with_its_assignment() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let sent = h.next();
    h.answer_all(&sent, Outcome::Reject);
    h.refuse_letters();
    h.read(2, 1);
    h.lose(0);
    assert_eq!(
        (h.queue.paused_partitions().count(), h.queue.unsettled()),
        (0, 1)
    );
    h.queue.assign(&[partition(0)]);
    h.read_again(0, &[(2, 0)]);
    let sent = h.next();
    h.done(&sent);
    h.write_letters();
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 0));
}

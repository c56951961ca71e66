//! Heartbeats: one each second for each lane with work, and no new work for a lane that owes an answer.

use super::harness::{BACKOFF, FULL, Harness, MS, SECOND};

#[test]
fn each_lane_gets_a_heartbeat_every_second() {
    let mut h = Harness::new(&["a", "b"]);
    h.wait(SECOND - MS);
    assert!(h.heartbeats().is_empty());
    h.wait(MS);
    let beats = h.heartbeats();
    let mut lanes: Vec<&str> = beats.iter().map(|beat| beat.lane()).collect();
    lanes.sort_unstable();
    assert_eq!(lanes, ["a", "b"]);
    assert!(beats.iter().all(|beat| beat.events.is_empty()));
}

#[test]
fn a_lane_without_work_gets_fewer_heartbeats() {
    let mut h = Harness::new(&["a"]);
    let mut sent = Vec::new();
    for second in 1..=120 {
        h.wait(SECOND);
        for beat in h.heartbeats() {
            sent.push(second);
            h.answer(&beat, []);
        }
    }
    assert!(sent.len() < 40, "{sent:?}");
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] <= 5));

    // The last heartbeat was just answered, so the next one would come in 5 s.
    for _ in 0..5 {
        h.wait(SECOND);
        if let Some(beat) = h.heartbeats().pop() {
            h.answer(&beat, []);
            break;
        }
    }
    h.read(1, FULL);
    h.one();
    for _ in 0..20 {
        h.wait(SECOND);
        let beat = h.heartbeats().remove(0);
        h.answer(&beat, []);
    }
}

#[test]
fn heartbeats_do_not_pile_up_before_a_slow_agent() {
    let mut h = Harness::new(&["a"]);
    let mut sent = Vec::new();
    for second in 1..=32 {
        h.wait(SECOND);
        sent.extend(h.heartbeats().iter().map(|_| second));
    }
    assert_eq!(sent, [1, 2, 4, 8, 16, 32]);
    h.queue.lanes_found(vec!["a".to_owned()], h.now);
    let mut h = Harness::new(&["a"]);
    h.wait(SECOND);
    let first = h.heartbeats().remove(0);
    h.wait(3 * SECOND);
    h.heartbeats();
    h.answer(&first, []);
    h.wait(SECOND);
    assert_eq!(
        h.heartbeats().len(),
        1,
        "the lane answers, so they come each second"
    );
}

#[test]
fn a_lane_is_deaf_only_after_its_agent_could_have_taken_its_whole_statement_timeout() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let stuck = h.one();
    h.wait(SECOND);
    let owed = h.heartbeats().remove(0);
    h.wait(12 * SECOND - MS);
    assert_eq!(h.fit_lanes(), 1);
    h.nothing_sent();
    h.wait(MS);
    assert_eq!((h.fit_lanes(), h.queue.frames_in_flight()), (0, 0));
    h.wait(SECOND);
    h.nothing_sent();
    h.answer(&owed, []);
    assert_eq!(h.fit_lanes(), 1);
    assert_eq!(h.one().events, stuck.events);
}

#[test]
fn a_lane_that_answers_something_is_not_deaf() {
    let mut h = Harness::new(&["a"]);
    h.wait(SECOND);
    let _owed = h.heartbeats().remove(0);
    // Each frame takes the agent 10 s, so the answer to a heartbeat behind two frames takes 20 s.
    for user in 1..=3 {
        h.read(user, FULL);
        let sent = h.one();
        h.wait(10 * SECOND);
        assert_eq!(h.fit_lanes(), 1);
        // The frame was sent after the heartbeat, whose answer was lost.
        h.done(&sent);
    }
}

#[test]
fn a_deaf_lane_hands_its_work_to_a_live_one() {
    let mut h = Harness::new(&["a", "b"]);
    for user in 0..16 {
        h.read(user, 1);
    }
    for _ in 0..150 {
        for beat in h.heartbeats().iter().filter(|beat| beat.lane() == "b") {
            h.answer(beat, []);
        }
        for sent in h.sent().iter().filter(|sent| sent.lane() == "b") {
            h.done(sent);
        }
        h.wait(BACKOFF);
    }
    assert_eq!(h.fit_lanes(), 1);
    assert_eq!((h.queue.unsettled(), h.mark(0)), (0, 16));
}

#[test]
fn a_heartbeat_without_a_subscriber_ends_its_lane() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.wait(SECOND);
    let beat = h.heartbeats().remove(0);
    h.published(&beat, Some(1));
    assert_eq!(h.fit_lanes(), 1);
    h.published(&beat, Some(0));
    assert_eq!((h.fit_lanes(), h.queue.frames_in_flight()), (0, 0));
    h.found(&["a"]);
    let sent_again = h.sent();
    assert!(sent_again.iter().any(|again| again.events == sent.events));
}

#[test]
fn heartbeats_whose_answers_were_missed_do_not_make_a_lane_deaf() {
    let mut h = Harness::new(&["a"]);
    h.wait(SECOND);
    assert_eq!(h.heartbeats().len(), 1);
    h.queue.subscription_lost(h.now);
    h.wait(10 * SECOND);
    assert!(
        h.heartbeats().is_empty(),
        "none is sent while answers cannot be received"
    );
    assert_eq!(h.fit_lanes(), 1);
    h.queue.subscribed();
    assert_eq!(h.heartbeats().len(), 1);
    assert_eq!(h.fit_lanes(), 1);
}

//! When an agent gets its next tick, and on which lane. Does no I/O and reads no clock.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use domain::frame::{Ack, Answer, Kind, Outcome};
use uuid::Uuid;

use crate::doorbell::wire::{self, Head};
use crate::doorbell::{Message, Signal};

/// Pause before the next try when a tick could not be sent.
const RETRY: Duration = Duration::from_secs(1);

/// The ticks of one group. Each goes to all lanes, so that agents on many machines share what is due.
#[derive(Debug)]
pub struct Ticks {
    group: &'static str,
    every: Duration,
    /// How long a tick may go unanswered before its lane gets another.
    patience: Duration,
    next_at: Instant,
    subscribed: bool,
    lanes: Vec<String>,
    /// For each lane the tick that has no answer yet, and when it was sent.
    in_flight: HashMap<String, (Uuid, Instant)>,
}

impl Ticks {
    /// The first tick is due at once.
    pub fn new(group: &'static str, every: Duration, patience: Duration, now: Instant) -> Self {
        Self {
            group,
            every,
            patience,
            next_at: now,
            subscribed: false,
            lanes: Vec::new(),
            in_flight: HashMap::new(),
        }
    }

    pub fn group(&self) -> &'static str {
        self.group
    }

    /// When [`Ticks::due`] is to be called next.
    pub fn next_wake(&self) -> Instant {
        self.next_at
    }

    /// Takes what happened in Redis.
    pub fn report(&mut self, signal: Signal, now: Instant) {
        match signal {
            Signal::Subscribed => self.subscribed = true,
            Signal::SubscriptionLost => {
                self.subscribed = false;
                self.in_flight.clear();
            }
            Signal::Answer(ack) => self.answered(&ack, now),
            Signal::Lanes(lanes) => {
                self.in_flight.retain(|lane, _| lanes.contains(lane));
                self.lanes = lanes;
            }
            Signal::Published {
                frame, receivers, ..
            } => {
                if receivers.unwrap_or(0) == 0 && self.end(frame).is_some() {
                    self.next_at = self.next_at.min(now + RETRY);
                }
            }
        }
    }

    /// The ticks to send now, one for each lane that is not working on the last one.
    pub fn due(&mut self, reply_to: &str, now: Instant) -> Vec<Message> {
        if now < self.next_at {
            return Vec::new();
        }
        let patience = self.patience;
        self.in_flight
            .retain(|_, (_, sent)| now.duration_since(*sent) < patience);
        let free: Vec<String> = match self.subscribed {
            true => self.lanes.iter(),
            false => [].iter(),
        }
        .filter(|lane| !self.in_flight.contains_key(*lane))
        .cloned()
        .collect();
        self.next_at = now
            + if free.is_empty() {
                RETRY.min(self.every)
            } else {
                self.every
            };
        free.into_iter()
            .map(|lane| self.tick(lane, reply_to, now))
            .collect()
    }

    fn tick(&mut self, lane: String, reply_to: &str, now: Instant) -> Message {
        let frame = Uuid::new_v4();
        let head = Head {
            frame,
            epoch: 0,
            lane: &lane,
            reply_to,
            attempt: 1,
            kind: Kind::Tick,
        };
        let body = wire::encode(&head, [].iter());
        self.in_flight.insert(lane.clone(), (frame, now));
        Message { frame, lane, body }
    }

    /// Takes the answer to a tick. If its agent has more to do than fits into one tick, the next one comes at once.
    fn answered(&mut self, ack: &Ack, now: Instant) {
        if self.end(ack.frame).is_some()
            && let Answer::Results(results) = &ack.answer
            && results
                .iter()
                .any(|result| result.outcome == Outcome::Later)
        {
            self.next_at = self.next_at.min(now);
        }
    }

    /// Forgets a tick. `None` if it is not in flight.
    fn end(&mut self, frame: Uuid) -> Option<(Uuid, Instant)> {
        let lane = self.in_flight.iter().find(|(_, (tick, _))| *tick == frame);
        let lane = lane.map(|(lane, _)| lane.clone())?;
        self.in_flight.remove(&lane)
    }
}

#[cfg(test)]
mod tests {
    use domain::frame::{EventResult, Frame};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const PATIENCE: Duration = Duration::from_secs(12);
    const SECOND: Duration = Duration::from_secs(1);

    fn ticks(every: Duration, lanes: &[&str]) -> (Ticks, Instant) {
        let now = Instant::now();
        let mut ticks = Ticks::new("reminder", every, PATIENCE, now);
        ticks.report(Signal::Subscribed, now);
        let lanes = lanes.iter().map(|lane| (*lane).to_owned()).collect();
        ticks.report(Signal::Lanes(lanes), now);
        (ticks, now)
    }

    fn answer(message: &Message) -> Signal {
        Signal::Answer(Ack {
            frame: message.frame,
            epoch: 0,
            lane: message.lane.clone(),
            answer: Answer::Results(Vec::new()),
        })
    }

    /// The lanes that get a tick.
    fn lanes(due: &[Message]) -> Vec<&str> {
        due.iter().map(|tick| tick.lane.as_str()).collect()
    }

    #[test]
    fn a_tick_goes_to_all_lanes_at_each_interval() {
        let (mut ticks, start) = ticks(MINUTE, &["a", "b"]);
        let mut sent = Vec::new();
        for second in 0..130 {
            for tick in ticks.due("reply", start + second * SECOND) {
                let frame: Frame = serde_json::from_slice(&tick.body).unwrap();
                assert_eq!((frame.kind, frame.reply_to.as_str()), (Kind::Tick, "reply"));
                ticks.report(answer(&tick), start + second * SECOND);
                sent.push((second, tick.lane));
            }
        }
        let expected = [
            (0, "a"),
            (0, "b"),
            (60, "a"),
            (60, "b"),
            (120, "a"),
            (120, "b"),
        ];
        assert_eq!(sent, expected.map(|(at, lane)| (at, lane.to_owned())));
    }

    #[test]
    fn an_agent_that_has_more_to_do_gets_another_tick_at_once() {
        let (mut ticks, start) = ticks(MINUTE, &["a", "b"]);
        let first = ticks.due("reply", start);
        let later = EventResult {
            id: first[0].frame.to_string(),
            outcome: Outcome::Later,
            after_ms: 0,
            error: None,
        };
        let Signal::Answer(mut ack) = answer(&first[0]) else {
            panic!("no answer")
        };
        ack.answer = Answer::Results(vec![later]);
        ticks.report(Signal::Answer(ack), start + SECOND);
        let second = ticks.due("reply", start + SECOND);
        assert_eq!(lanes(&second), ["a"]);
        ticks.report(answer(&second[0]), start + 2 * SECOND);
        assert!(ticks.due("reply", start + 3 * SECOND).is_empty());
        let third = ticks.due("reply", start + SECOND + MINUTE);
        assert_eq!(lanes(&third), ["a", "b"]);
    }

    #[test]
    fn the_next_tick_of_a_lane_waits_for_the_answer_to_the_last() {
        let (mut ticks, start) = ticks(SECOND, &["a", "b"]);
        let first = ticks.due("reply", start);
        assert_eq!(lanes(&first), ["a", "b"]);
        assert!(ticks.due("reply", start + 5 * SECOND).is_empty());
        ticks.report(answer(&first[1]), start + 6 * SECOND);
        assert_eq!(lanes(&ticks.due("reply", start + 6 * SECOND)), ["b"]);
    }

    #[test]
    fn a_tick_whose_answer_is_lost_does_not_stop_the_clock() {
        let (mut ticks, start) = ticks(SECOND, &["a"]);
        assert_eq!(lanes(&ticks.due("reply", start)), ["a"]);
        assert!(ticks.due("reply", start + PATIENCE - SECOND).is_empty());
        assert_eq!(lanes(&ticks.due("reply", start + PATIENCE)), ["a"]);
    }

    #[test]
    fn a_tick_that_nobody_received_is_followed_by_another_soon() {
        let (mut ticks, start) = ticks(MINUTE, &["a"]);
        let sent = ticks.due("reply", start).remove(0);
        let nobody = Signal::Published {
            frame: sent.frame,
            lane: sent.lane,
            receivers: Some(0),
        };
        ticks.report(nobody, start);
        assert!(ticks.next_wake() < start + MINUTE / 2);
        assert_eq!(lanes(&ticks.due("reply", start + 3 * SECOND)), ["a"]);
    }

    #[test]
    fn a_lane_that_is_gone_gets_no_tick() {
        let (mut ticks, start) = ticks(SECOND, &["a", "b"]);
        ticks.due("reply", start);
        ticks.report(Signal::Lanes(vec!["b".to_owned(), "c".to_owned()]), start);
        assert_eq!(lanes(&ticks.due("reply", start + SECOND)), ["c"]);
    }

    #[test]
    fn ticks_begin_once_there_is_a_lane() {
        let (mut ticks, start) = ticks(MINUTE, &[]);
        assert!(ticks.due("reply", start).is_empty());
        ticks.report(Signal::Lanes(vec!["a".to_owned()]), start);
        assert_eq!(lanes(&ticks.due("reply", start + SECOND)), ["a"]);
    }
}

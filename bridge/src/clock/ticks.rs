//! When an agent gets its next tick, and on which lane. Does no I/O and reads no clock.

use std::time::{Duration, Instant};

use domain::frame::{Ack, Answer, Kind, Outcome};
use uuid::Uuid;

use crate::doorbell::wire::{self, Head};
use crate::doorbell::{Message, Signal};

/// Pause before the next try when a tick could not be sent.
const RETRY: Duration = Duration::from_secs(1);

/// The ticks of one group.
#[derive(Debug)]
pub struct Ticks {
    group: &'static str,
    every: Duration,
    /// How long a tick may go unanswered before another may be sent.
    patience: Duration,
    next_at: Instant,
    subscribed: bool,
    lanes: Vec<String>,
    /// Ticks sent; they go to the lanes in turn.
    sent: usize,
    /// The tick that has no answer yet, and when it was sent.
    in_flight: Option<(Uuid, Instant)>,
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
            sent: 0,
            in_flight: None,
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
                self.in_flight = None;
            }
            Signal::Answer(ack) => self.end(&ack, now),
            Signal::Lanes(lanes) => self.lanes = lanes,
            Signal::Published {
                frame, receivers, ..
            } => {
                if receivers.unwrap_or(0) == 0 && self.is_in_flight(frame) {
                    self.in_flight = None;
                    self.next_at = self.next_at.min(now + RETRY);
                }
            }
        }
    }

    /// The tick to send now, if one is due and can be sent.
    pub fn due(&mut self, reply_to: &str, now: Instant) -> Option<Message> {
        if now < self.next_at {
            return None;
        }
        let waits = self
            .in_flight
            .is_some_and(|(_, sent)| now.duration_since(sent) < self.patience);
        let lane = self.sent.checked_rem(self.lanes.len());
        let lane = lane.and_then(|turn| self.lanes.get(turn)).cloned();
        let Some(lane) = lane.filter(|_| self.subscribed && !waits) else {
            self.next_at = now + RETRY.min(self.every);
            return None;
        };
        self.next_at = now + self.every;
        self.sent += 1;
        let frame = Uuid::new_v4();
        self.in_flight = Some((frame, now));
        let head = Head {
            frame,
            epoch: 0,
            lane: &lane,
            reply_to,
            attempt: 1,
            kind: Kind::Tick,
        };
        let body = wire::encode(&head, [].iter());
        Some(Message { frame, lane, body })
    }

    fn is_in_flight(&self, frame: Uuid) -> bool {
        self.in_flight.is_some_and(|(tick, _)| tick == frame)
    }

    /// Takes the answer to a tick. An agent that has more to do than fits into one tick gets another one at once.
    fn end(&mut self, ack: &Ack, now: Instant) {
        if self.is_in_flight(ack.frame) {
            self.in_flight = None;
            if let Answer::Results(results) = &ack.answer
                && results
                    .iter()
                    .any(|result| result.outcome == Outcome::Later)
            {
                self.next_at = self.next_at.min(now);
            }
        }
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

    #[test]
    fn a_tick_goes_to_one_lane_at_each_interval_in_turn() {
        let (mut ticks, start) = ticks(MINUTE, &["a", "b"]);
        let mut lanes = Vec::new();
        for second in 0..180 {
            if let Some(tick) = ticks.due("reply", start + second * SECOND) {
                let frame: Frame = serde_json::from_slice(&tick.body).unwrap();
                assert_eq!((frame.kind, frame.reply_to.as_str()), (Kind::Tick, "reply"));
                lanes.push((second, tick.lane.clone()));
                ticks.report(answer(&tick), start + second * SECOND);
            }
        }
        let expected = [(0, "a"), (60, "b"), (120, "a")];
        assert_eq!(lanes, expected.map(|(at, lane)| (at, lane.to_owned())));
    }

    #[test]
    fn an_agent_that_has_more_to_do_gets_another_tick_at_once() {
        let (mut ticks, start) = ticks(MINUTE, &["a", "b"]);
        let first = ticks.due("reply", start).unwrap();
        let later = EventResult {
            id: first.frame.to_string(),
            outcome: Outcome::Later,
            after_ms: 0,
            error: None,
        };
        let Signal::Answer(mut ack) = answer(&first) else {
            panic!("no answer")
        };
        ack.answer = Answer::Results(vec![later]);
        ticks.report(Signal::Answer(ack), start + SECOND);
        let second = ticks.due("reply", start + SECOND).unwrap();
        assert_eq!(second.lane, "b");
        ticks.report(answer(&second), start + 2 * SECOND);
        assert!(ticks.due("reply", start + 3 * SECOND).is_none());
        assert!(ticks.due("reply", start + SECOND + MINUTE).is_some());
    }

    #[test]
    fn the_next_tick_waits_for_the_answer_to_the_last() {
        let (mut ticks, start) = ticks(SECOND, &["a"]);
        let first = ticks.due("reply", start).unwrap();
        assert!(ticks.due("reply", start + 5 * SECOND).is_none());
        ticks.report(answer(&first), start + 6 * SECOND);
        assert!(ticks.due("reply", start + 6 * SECOND).is_some());
    }

    #[test]
    fn a_tick_whose_answer_is_lost_does_not_stop_the_clock() {
        let (mut ticks, start) = ticks(SECOND, &["a"]);
        assert!(ticks.due("reply", start).is_some());
        assert!(ticks.due("reply", start + PATIENCE - SECOND).is_none());
        assert!(ticks.due("reply", start + PATIENCE).is_some());
    }

    #[test]
    fn a_tick_that_nobody_received_is_followed_by_another_soon() {
        let (mut ticks, start) = ticks(MINUTE, &["a"]);
        let Message { frame, lane, .. } = ticks.due("reply", start).unwrap();
        let nobody = Signal::Published {
            frame,
            lane,
            receivers: Some(0),
        };
        ticks.report(nobody, start);
        assert!(ticks.next_wake() < start + MINUTE / 2);
        assert!(ticks.due("reply", start + 3 * SECOND).is_some());
    }

    #[test]
    fn ticks_begin_once_there_is_a_lane() {
        let (mut ticks, start) = ticks(MINUTE, &[]);
        assert!(ticks.due("reply", start).is_none());
        ticks.report(Signal::Lanes(vec!["a".to_owned()]), start);
        assert!(ticks.due("reply", start + SECOND).is_some());
    }
}

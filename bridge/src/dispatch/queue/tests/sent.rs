//! A frame as an agent in the tests sees it, and what the agent answers.

use domain::frame::{Ack, Answer, EventResult, Frame, Outcome, Unwell};
use serde::Deserialize;

/// How long the answer `later` asks to wait.
pub const LATER_MS: u64 = 3_000;

/// An event as the tests know it: the `seq`th of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Body {
    pub user: u64,
    pub seq: u64,
}

/// A frame that was published.
#[derive(Debug)]
pub struct Sent {
    pub frame: Frame,
    pub events: Vec<Body>,
}

impl Sent {
    pub fn lane(&self) -> &str {
        &self.frame.lane
    }

    pub fn attempt(&self) -> u32 {
        self.frame.attempt
    }

    /// An answer with these outcomes.
    pub fn ack(&self, outcomes: impl IntoIterator<Item = Outcome>) -> Ack {
        let result = |outcome| EventResult {
            id: String::new(),
            outcome,
            after_ms: if outcome == Outcome::Later {
                LATER_MS
            } else {
                0
            },
            error: (outcome != Outcome::Done).then(|| "because".to_owned()),
        };
        self.answer(Answer::Results(outcomes.into_iter().map(result).collect()))
    }

    /// An answer that the agent cannot work.
    pub fn unwell(&self) -> Ack {
        self.answer(Answer::Unwell(Unwell {
            code: "53100".to_owned(),
            error: "the disk is full".to_owned(),
        }))
    }

    fn answer(&self, answer: Answer) -> Ack {
        Ack {
            frame: self.frame.frame,
            epoch: self.frame.epoch,
            lane: self.frame.lane.clone(),
            answer,
        }
    }
}

//! The agents of the model: lanes with messages, what an agent makes of each, and its answers on their way.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use domain::frame::{Ack, Kind, Outcome};
use rand::Rng;
use rand::rngs::StdRng;

use crate::dispatch::queue::tests::harness::{Body, Sent};

/// How an event behaves, whatever agent it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    Good,
    /// The agent dies of every frame that holds it.
    Deadly,
    /// Every try asks for another.
    Stubborn,
    Rejected,
}

pub fn temper(body: Body) -> Temper {
    match (body.user * 7 + body.seq * 3) % 20 {
        1 => Temper::Deadly,
        2 => Temper::Stubborn,
        3 => Temper::Rejected,
        _ => Temper::Good,
    }
}

/// Whether agents fail for reasons that are not the event's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Flaky,
    Reliable,
}

#[derive(Debug, Default)]
pub struct Agents {
    /// Messages that each lane's agent has not come to.
    lanes: BTreeMap<String, VecDeque<Sent>>,
    /// Answers that Redis has not delivered.
    pub answers: VecDeque<Ack>,
    /// The events that took effect, in the order in which they did so first.
    pub effects: Vec<Body>,
    pub applied: HashSet<Body>,
    /// How often agents asked to retry or rejected an event.
    pub retries: HashMap<Body, u32>,
    pub rejected: HashSet<Body>,
    /// How often agents answered so.
    pub unwell: usize,
    pub later: usize,
}

impl Agents {
    pub fn names(&self) -> Vec<String> {
        self.lanes.keys().cloned().collect()
    }

    pub fn start(&mut self, lane: &str) {
        self.lanes.entry(lane.to_owned()).or_default();
    }

    /// The agent's process ends, and the messages that it had not handled are lost.
    pub fn kill(&mut self, lane: &str) {
        self.lanes.remove(lane);
    }

    /// Returns how many subscribers the message reached.
    pub fn publish(&mut self, sent: Sent) -> u64 {
        match self.lanes.get_mut(sent.lane()) {
            Some(lane) => {
                lane.push_back(sent);
                1
            }
            None => 0,
        }
    }

    /// The agent of a lane handles its next message. Returns whether there was one.
    pub fn handle_next(&mut self, lane: &str, health: Health, rng: &mut StdRng) -> bool {
        let Some(sent) = self.lanes.get_mut(lane).and_then(VecDeque::pop_front) else {
            return false;
        };
        let dies = sent
            .events
            .iter()
            .any(|body| temper(*body) == Temper::Deadly);
        let trouble = if health == Health::Reliable {
            100
        } else {
            rng.random_range(0..40)
        };
        let (dies, lost, short) = (dies || trouble == 0, trouble == 1, trouble == 2);
        if trouble == 3 {
            self.unwell += 1;
            self.answers.push_back(sent.unwell());
            return true;
        }
        // An agent that dies may have applied the first events.
        let reached = if dies {
            rng.random_range(0..=sent.events.len())
        } else {
            sent.events.len()
        };
        let mut stopped = HashMap::new();
        let mut outcomes = Vec::new();
        for body in sent.events.iter().take(reached) {
            let outcome = self.handle(*body, &mut stopped, health, rng);
            outcomes.push(outcome);
        }
        if dies || lost {
            return true;
        }
        for (body, outcome) in sent.events.iter().zip(&outcomes) {
            match outcome {
                Outcome::Done => {}
                Outcome::Retry => *self.retries.entry(*body).or_default() += 1,
                Outcome::Later => self.later += 1,
                Outcome::Reject => {
                    self.rejected.insert(*body);
                }
            }
        }
        if short && sent.frame.kind == Kind::Events {
            outcomes.pop();
        }
        self.answers.push_back(sent.ack(outcomes));
        true
    }

    fn handle(
        &mut self,
        body: Body,
        stopped: &mut HashMap<u64, Outcome>,
        health: Health,
        rng: &mut StdRng,
    ) -> Outcome {
        let sick = health == Health::Flaky && rng.random_ratio(1, 25);
        if let Some(outcome) = stopped.get(&body.user) {
            // After such an outcome, no later event of the user in the frame is applied.
            return *outcome;
        }
        let outcome = match temper(body) {
            // Deadly events are skipped here: the agent dies of them before it gets to the end.
            Temper::Deadly | Temper::Stubborn => Outcome::Retry,
            Temper::Good if sick && rng.random() => Outcome::Later,
            Temper::Good if sick => Outcome::Retry,
            Temper::Rejected => Outcome::Reject,
            Temper::Good => Outcome::Done,
        };
        match outcome {
            Outcome::Retry | Outcome::Later => {
                stopped.insert(body.user, outcome);
            }
            Outcome::Done => {
                if self.applied.insert(body) {
                    self.effects.push(body);
                }
            }
            Outcome::Reject => {}
        }
        outcome
    }
}

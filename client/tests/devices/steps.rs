//! The steps of a simulation. Each makes sense in every state, so steps can be left out.

use devices::edits::{ACTS, Act};
use devices::random::Random;

/// One step: something happens at a device, or at the server of its user.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub device: usize,
    pub event: Event,
    /// Chooses among what there is: a task, a late answer.
    pub choice: u16,
}

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Act(Act),
    Undo,
    /// A request is sent; it arrives; the answer arrives; or the device gives up.
    Ask,
    Serve,
    Receive,
    Lose,
    /// A request that was given up arrives, or an answer comes, perhaps again.
    Late,
    /// All that is due, without trouble.
    Exchange,
    Connect,
    Disconnect,
    /// A live message arrives, or is lost.
    Hear,
    Miss,
    Restart,
    /// A reminder fires, or the account changes.
    Other,
    Expire,
}

/// How often each event happens, besides what people do.
const WEIGHTS: [(u64, Event); 13] = [
    (7, Event::Undo),
    (24, Event::Ask),
    (24, Event::Serve),
    (22, Event::Receive),
    (6, Event::Lose),
    (6, Event::Late),
    (6, Event::Exchange),
    (5, Event::Connect),
    (1, Event::Disconnect),
    (40, Event::Hear),
    (2, Event::Miss),
    (1, Event::Restart),
    (4, Event::Other),
];
/// Cursors expire seldom: one of so many steps.
const EXPIRE: u64 = 250;

/// The steps that follow from a seed.
pub fn steps(seed: u64, count: usize) -> Vec<Step> {
    let mut random = Random::new(seed);
    let acts = ACTS.map(|(weight, act)| (weight, Event::Act(act)));
    let weights = [acts.as_slice(), WEIGHTS.as_slice()].concat();
    let step = |_| {
        let drawn = random.draw(&weights);
        let event = if random.below(EXPIRE) == 0 {
            Event::Expire
        } else {
            drawn
        };
        Step {
            device: random.below(crate::world::DEVICES as u64) as usize,
            event,
            choice: random.below(1 << 16) as u16,
        }
    };
    (0..count).map(step).collect()
}

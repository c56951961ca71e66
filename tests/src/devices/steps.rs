//! The steps of a device: what the person does, and what goes wrong around them.

use std::time::Duration;

use devices::edits::{ACTS, Act};
use devices::random::Random;

/// One step. It makes sense in every state.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub event: Event,
    /// Chooses among what there is.
    pub choice: usize,
    /// How long the person does nothing afterwards.
    pub pause: Duration,
}

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Act(Act),
    Undo,
    /// Changes the account, or reads the notifications: no operation, but a change that all devices hear of.
    Other,
    Offline,
    Online,
    /// The server does what it is asked, and the answer is lost.
    LoseAnswer,
    /// The device gives up waiting. The server may have done it, may be doing it, or may never do it.
    GiveUp,
    /// The next request reaches the server twice.
    Twice,
    /// The program is killed, and started again from what it has saved.
    Restart,
    /// The live connection is lost.
    Unplug,
    /// The server takes the cursor no longer.
    Expire,
    /// The person does not trust the live connection, and asks for what is new.
    Refresh,
}

/// How often each event happens, besides what people do.
const WEIGHTS: [(u64, Event); 11] = [
    (6, Event::Undo),
    (2, Event::Other),
    (3, Event::Offline),
    (9, Event::Online),
    (5, Event::LoseAnswer),
    (3, Event::GiveUp),
    (3, Event::Twice),
    (2, Event::Restart),
    (2, Event::Unplug),
    (1, Event::Expire),
    (2, Event::Refresh),
];

/// Pauses in milliseconds. Most steps follow each other at once, so that they meet what is under way.
const PAUSES: [(u64, u64); 4] = [(10, 1), (5, 50), (4, 300), (2, 2_500)];

/// The steps that follow from a seed.
pub fn steps(random: &mut Random, count: usize) -> Vec<Step> {
    let acts = ACTS.map(|(weight, act)| (weight, Event::Act(act)));
    let weights = [acts.as_slice(), WEIGHTS.as_slice()].concat();
    let step = |_| {
        let event = random.draw(&weights);
        let choice = usize::try_from(random.below(1 << 16)).unwrap_or_default();
        let limit = random.draw(&PAUSES);
        let pause = Duration::from_millis(random.below(limit));
        Step {
            event,
            choice,
            pause,
        }
    };
    (0..count).map(step).collect()
}

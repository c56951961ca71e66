//! The steps of a simulation. Each makes sense in every state, so steps can be left out.

use crate::edits::Act;

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

/// How often each event happens.
const WEIGHTS: [(u64, Event); 24] = [
    (4, Event::Act(Act::Create)),
    (14, Event::Act(Act::Title)),
    (8, Event::Act(Act::TwoValues)),
    (8, Event::Act(Act::Tag)),
    (5, Event::Act(Act::Untag)),
    (4, Event::Act(Act::Reminders)),
    (4, Event::Act(Act::Complete)),
    (3, Event::Act(Act::Reopen)),
    (1, Event::Act(Act::Skip)),
    (4, Event::Act(Act::Delete)),
    (2, Event::Act(Act::Restore)),
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
    let mut state = seed;
    let mut random = move |below: u64| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    };
    let total = WEIGHTS.iter().map(|(weight, _)| weight).sum();
    let step = |_| {
        let mut left = random(total);
        let drawn = WEIGHTS.iter().find(|(weight, _)| {
            let found = left < *weight;
            left = left.saturating_sub(*weight);
            found
        });
        let event = if random(EXPIRE) == 0 {
            Event::Expire
        } else {
            drawn.unwrap().1
        };
        Step {
            device: random(crate::world::DEVICES as u64) as usize,
            event,
            choice: random(1 << 16) as u16,
        }
    };
    (0..count).map(step).collect()
}

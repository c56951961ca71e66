//! Finds few steps that still fail.

use std::time::{Duration, Instant};

use crate::steps::Step;
use crate::world;

/// Leaves out steps, many at once and then fewer, as long as the rest fails in the same way.
pub fn shrink(mut steps: Vec<Step>, failure: &str, limit: Duration) -> Vec<Step> {
    // The failures on the way are expected.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let until = Instant::now() + limit;
    let mut part = steps.len().div_ceil(2);
    while part > 0 && Instant::now() < until {
        let (mut at, before) = (0, steps.len());
        while at < steps.len() && Instant::now() < until {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + part).min(steps.len()));
            if world::run(&fewer).is_err_and(|other| kind(&other) == kind(failure)) {
                steps = fewer;
            } else {
                at += part;
            }
        }
        // Single steps are tried again as long as that helps.
        if part > 1 || steps.len() == before {
            part /= 2;
        }
    }
    std::panic::set_hook(hook);
    steps
}

/// The beginning of a message, without the numbers in it.
fn kind(failure: &str) -> String {
    failure
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .take(30)
        .collect()
}

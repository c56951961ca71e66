//! What a person sees while something takes its time: one line a step, on stderr.

use std::fmt::Display;

/// Says what is being done now.
pub fn step(what: impl Display) {
    eprintln!("\x1b[36m·\x1b[0m {what}");
}

/// Says what needs a person's eye, though the work goes on.
pub fn warn(what: impl Display) {
    eprintln!("\x1b[33m!\x1b[0m {what}");
}

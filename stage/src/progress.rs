//! Progress for people: one line for each step, on stderr.

use std::fmt::Display;

/// Prints what happens now.
pub fn step(what: impl Display) {
    eprintln!("\x1b[36m·\x1b[0m {what}");
}

/// Prints a problem that a person should look at, although the work continues.
pub fn warn(what: impl Display) {
    eprintln!("\x1b[33m!\x1b[0m {what}");
}

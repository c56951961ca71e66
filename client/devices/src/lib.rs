//! What the simulation of devices and the test on the real system share: persons who edit on a device and what they meant by it, the
//! model of the server, and the verdict on both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

pub mod random;
pub mod screen;
pub mod person;
pub mod edits;
pub mod server;
pub mod merge;
mod series;
pub mod feed;
pub mod state;
pub mod verdict;

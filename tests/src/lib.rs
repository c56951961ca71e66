//! The harness of the whole road, in the order a test meets it: the stage with the running system, people and their
//! requests, what they were told, many of them at once, and the judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

pub mod checker;
pub mod client;
pub mod ledger;
pub mod load;
pub mod shape;
pub mod stage;
pub mod tokens;
pub mod wait;
pub mod world;

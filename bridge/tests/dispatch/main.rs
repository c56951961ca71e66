//! Dispatch against agents that speak the frame protocol over a real Redis.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod road;
mod order;
mod lanes;
mod retries;
mod absence;

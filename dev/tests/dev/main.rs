//! The commands of `cargo dev`, as a person uses them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod runtime;
mod services;
mod support;
mod up;

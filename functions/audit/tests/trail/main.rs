//! The trail's promises, kept by the SQL on a real Postgres.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod append;
mod append_only;
mod read;
mod rejects;
mod retention;
mod support;
mod verify;

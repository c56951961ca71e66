//! Integration tests of the bridge against a real Postgres, Redis and Kafka.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;
mod sql;
mod upgrade;
mod log;
mod kafka;
mod silence;
mod tls;
mod sweep;
mod dispatch;
mod clock;
mod parts;
mod memory;
mod traces;

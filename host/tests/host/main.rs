//! Runs the embedded host with real functions, Postgres and Redis, and checks that it behaves as Spin does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod app;
mod http;
mod limits;
mod outbound;
mod postgres;
mod redis;
mod start;
mod tls;
mod wait;

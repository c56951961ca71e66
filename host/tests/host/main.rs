//! The embedded host with real functions, a real Postgres and a real Redis: it must behave as Spin does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod app;
mod http;
mod limits;
mod postgres;
mod redis;
mod start;
mod wait;

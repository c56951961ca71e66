//! The embedded host with real functions, a real Postgres and a real Redis: it must behave as Spin does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod http;
mod postgres;
mod redis;
mod start;
mod wait;

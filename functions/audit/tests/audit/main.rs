//! Integration tests of the audit trail's SQL, against a real Postgres.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;
mod append;
mod blame;
mod validation;
mod permissions;
mod queries;
mod verification;
mod retention;

//! The trail's promises, kept by the SQL on a real Postgres.

mod append;
mod append_only;
mod read;
mod rejects;
mod retention;
mod support;
mod verify;

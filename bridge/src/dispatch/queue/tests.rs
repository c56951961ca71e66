//! Tests that drive the queue with a clock of their own: no sleeping, no Redis, no log.

mod sent;
pub mod harness;
mod frames;
mod lanes;
mod heartbeats;
mod failures;
mod unanswered;
mod late;
mod unwell;
mod partitions;
mod model;

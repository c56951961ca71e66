//! The audit agent. It records the events of a frame on the audit trail and then acks the frame.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the trigger's macro exports its entry point with unsafe code; this crate has none of its own"
    )
)]

mod append;

use domain::frame::Kind;
use guest::frames::{self, FrameError};

/// Entry point of the Redis trigger: handles one message, see [`frames::handle`].
///
/// Only the WebAssembly build exports this function. Native linkers reject its exported name, and native tests do not need
/// it.
#[cfg_attr(target_family = "wasm", spin_sdk::redis_component)]
pub fn on_message(message: Vec<u8>) -> Result<(), FrameError> {
    frames::handle(&message, |frame| match frame.kind {
        // A heartbeat has no events. It runs the same statement, so that its ack also says whether Postgres can be used.
        Kind::Events | Kind::Heartbeat => append::append(frame),
        // The audit agent has no scheduled work, and a probe asks about the lane alone: a new process would not mend Postgres.
        Kind::Tick | Kind::Probe => Ok(Vec::new()),
    })
}

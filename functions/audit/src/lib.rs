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
use guest::logging;

/// Entry point of the Redis trigger: handles one message.
///
/// A message that cannot be parsed names no channel for an ack, so it is logged and dropped. If Postgres cannot be used, the ack
/// says so. Only a frame whose ack cannot be published gets none, and the bridge redelivers its events.
///
/// Only the WebAssembly build exports this function. Native linkers reject its exported name, and native tests do not need
/// it.
#[cfg_attr(target_family = "wasm", spin_sdk::redis_component)]
pub fn on_message(message: Vec<u8>) -> Result<(), FrameError> {
    let handled = handle(&message);
    match &handled {
        Err(error @ FrameError::NoFrame(_)) => {
            logging::error("dropped a message that is not a frame")
                .chain(error)
                .write();
        }
        Err(error) => logging::warn("did not ack a frame").chain(error).write(),
        Ok(()) => {}
    }
    handled
}

fn handle(message: &[u8]) -> Result<(), FrameError> {
    let frame = frames::parse(message)?;
    let worked = match frame.kind {
        // A heartbeat has no events. It runs the same statement, so that its ack also says whether Postgres can be used.
        Kind::Events | Kind::Heartbeat => append::append(&frame),
        // The audit agent has no scheduled work, and a probe asks about the lane alone: a new process would not mend Postgres.
        Kind::Tick | Kind::Probe => Ok(Vec::new()),
    };
    frames::answer(frame, worked)
}

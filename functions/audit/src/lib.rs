//! The audit agent: every event of a frame goes on the trail, then the frame is answered.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the trigger's macro exports its entry point with unsafe code; there is none of our own"
    )
)]

mod append;

use domain::frame::{Ack, Kind};
use guest::frames::{self, FrameError};
use guest::logging;

/// A message that is no frame names nobody to answer, so it is logged and dropped. An error after that leaves the frame
/// unanswered, and the bridge sends it again.
///
/// Only wasm exports it: native linkers do not take its name, and native tests do not need it.
#[cfg_attr(target_family = "wasm", spin_sdk::redis_component)]
pub fn on_message(message: Vec<u8>) -> Result<(), FrameError> {
    let handled = handle(&message);
    match &handled {
        Err(error @ FrameError::NoFrame(_)) => {
            logging::error("a message is no frame").chain(error).write();
        }
        Err(error) => logging::warn("a frame went unanswered")
            .chain(error)
            .write(),
        Ok(()) => {}
    }
    handled
}

fn handle(message: &[u8]) -> Result<(), FrameError> {
    let frame = frames::parse(message)?;
    let results = match frame.kind {
        Kind::Events | Kind::Heartbeat => append::append(&frame)?,
        // The trail has nothing to do when time passes.
        Kind::Tick => Vec::new(),
    };
    let ack = Ack {
        frame: frame.frame,
        epoch: frame.epoch,
        lane: frame.lane,
        results,
    };
    frames::answer(&frame.reply_to, &ack)
}

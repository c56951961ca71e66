//! The agent that tells clients about changes. It turns the events of a frame into messages for users, and publishes them on the channels
//! of the gateways. It has no access to Postgres.
//!
//! Delivering an event again publishes its message again. That is harmless, because a gateway drops what it has had.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the trigger's macro exports its entry point with unsafe code; this crate has none of its own"
    )
)]

mod frame;
mod publish;

use domain::frame::Kind;
use guest::frames::{self, FrameError};

/// Entry point of the Redis trigger: handles one message, see [`frames::handle`].
///
/// Only the WebAssembly build exports this function. Native linkers reject its exported name, and native tests do not need
/// it.
#[cfg_attr(target_family = "wasm", spin_sdk::redis_component)]
pub fn on_message(message: Vec<u8>) -> Result<(), FrameError> {
    frames::handle(&message, |frame| match frame.kind {
        Kind::Events => {
            let (batches, results) = frame::sort(frame);
            // All of them are published before the frame is acked.
            publish::publish(&batches)?;
            Ok(results)
        }
        // The ack of a heartbeat goes through Redis, which is all that this agent needs.
        Kind::Tick | Kind::Heartbeat | Kind::Probe => Ok::<_, publish::PublishError>(Vec::new()),
    })
}

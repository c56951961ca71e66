//! The agent that makes the next occurrences of recurring tasks. It computes them, and the API creates them: this function has no access
//! to Postgres.
//!
//! One build serves two components of spin.toml. `recurring` is invoked by Redis, with events and ticks; `recurring-cron` by the cron
//! trigger, which does what a tick does. They are apart because a platform without cron triggers can then leave the second one out.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the triggers' macros export their entry points with unsafe code; this crate has none of its own"
    )
)]

mod frame;
mod event;
mod series;
mod schedule;
mod rounds;
mod api;
mod tick;
#[cfg(target_family = "wasm")]
mod cron;

use domain::frame::Kind;
use guest::frames::{self, FrameError};

use crate::api::Api;

/// Entry point of the Redis trigger: handles one message, see [`frames::handle`].
///
/// Only the WebAssembly build exports this function. Native linkers reject its exported name, and native tests do not need
/// it.
#[cfg_attr(target_family = "wasm", spin_sdk::redis_component)]
pub fn on_message(message: Vec<u8>) -> Result<(), FrameError> {
    frames::handle(&message, |frame| match frame.kind {
        Kind::Events => frame::work(frame),
        Kind::Tick => Api::open()
            .and_then(|api| tick::work(&api))
            .map(|progress| progress.results(frame)),
        // A heartbeat comes every second to each lane, and the next events tell whether the API can be used.
        Kind::Heartbeat | Kind::Probe => Ok(Vec::new()),
    })
}

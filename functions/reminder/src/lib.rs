//! The agent that fires reminders. A change of a task schedules its reminders in the API's statement, so this function needs no events:
//! on each tick it looks for what is due.
//!
//! One build serves two components of spin.toml. `reminder` is invoked by Redis, with the ticks of the bridge's clock; `reminder-cron` by
//! the cron trigger. They are apart because a platform without cron triggers can then leave the second one out.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the triggers' macros export their entry points with unsafe code; this crate has none of its own"
    )
)]

mod tick;
mod message;
mod channels;
mod deliver;
#[cfg(target_family = "wasm")]
mod cron;

use domain::frame::{EventResult, Frame, Kind, Outcome};
use guest::frames::{self, FrameError};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Entry point of the Redis trigger: handles one message, see [`frames::handle`].
///
/// Only the WebAssembly build exports this function. Native linkers reject its exported name, and native tests do not need
/// it.
#[cfg_attr(target_family = "wasm", spin_sdk::redis_component)]
pub fn on_message(message: Vec<u8>) -> Result<(), FrameError> {
    frames::handle(&message, |frame| match frame.kind {
        Kind::Tick => tick::work().map(|progress| progress.results(frame)),
        // It runs the same statement, so that its ack also says whether Postgres can be used.
        Kind::Heartbeat => tick::look().map(|()| Vec::new()),
        Kind::Events => Ok(nothing_to_do(frame)),
        // A probe asks about the lane alone: a new process would not mend Postgres.
        Kind::Probe => Ok(Vec::new()),
    })
}

/// The results of events. The group wants none, but it gets those of types that only a newer release knows.
fn nothing_to_do(frame: &Frame) -> Vec<EventResult> {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    let done = |event: &RawValue| EventResult {
        id: serde_json::from_str::<Identified>(event.get())
            .map_or_else(|_| String::new(), |event| event.id),
        outcome: Outcome::Done,
        after_ms: 0,
        error: None,
    };
    frame.events.iter().map(|event| done(event)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_settled() {
        let frame: Frame = serde_json::from_slice(
            br#"{"frame":"01890a5d-ac96-7741-b2d0-8a1b5e6f0001","epoch":1,"lane":"l","reply_to":"r","attempt":1,"kind":"events",
                "events":[{"id":"a"},{"id":"b","type":"reminder.invented"}]}"#,
        )
        .unwrap();
        let results = nothing_to_do(&frame);
        let settled: Vec<_> = results
            .iter()
            .map(|result| (result.id.as_str(), result.outcome))
            .collect();
        assert_eq!(settled, [("a", Outcome::Done), ("b", Outcome::Done)]);
    }
}

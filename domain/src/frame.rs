//! Frames, in which the bridge sends events to an agent, and acks, with which the agent answers.
//!
//! A frame contains events as the JSON text that was written to the outbox. Nothing on the way parses and prints them again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The request that a frame makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Apply `events` in order and answer with one result for each.
    Events,
    /// Look for work that is due by now. The frame has no events.
    Tick,
    /// Answer at once, to show that the agent is alive. The frame has no events.
    Heartbeat,
    /// Answer at once, to show that this process still receives the messages of the lane. The frame has no events. It comes
    /// from a function of the same process, which cannot subscribe: `reply_to` is a list, onto which the ack is pushed.
    Probe,
}

/// A message on the Redis channel `spindle.<agent>.<instance>.<lane>`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Frame {
    /// Id of this delivery. A redelivery has a new id.
    pub frame: Uuid,
    /// Number of the bridge's partition assignment. The bridge ignores acks of an older epoch.
    pub epoch: u64,
    /// The lane that the frame was sent on. The ack repeats it, because Spin does not tell an agent the channel of a message.
    pub lane: String,
    /// Redis channel for the ack; with `Kind::Probe`, a list.
    pub reply_to: String,
    /// Number of this delivery of the events, from 1.
    pub attempt: u32,
    pub kind: Kind,
    /// CloudEvents 1.0 in structured JSON mode.
    #[serde(default)]
    pub events: Vec<Box<RawValue>>,
}

/// The outcome of one event. After `Retry` or `Later`, the agent applies no later event of the same user in the frame and
/// gives it the same outcome, so that the events of a user take effect in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The effect is durable, from this delivery or an earlier one.
    Done,
    /// Applying the event failed, but may succeed later. The bridge counts how often that happens.
    Retry,
    /// Something that the event needs is away for now. The bridge delivers the event again after `after_ms` and counts nothing.
    Later,
    /// The event can never be applied.
    Reject,
}

/// The result of one event of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventResult {
    /// The event's `id`. It is text, because an invalid event may have an id that is not a UUID.
    pub id: String,
    pub outcome: Outcome,
    /// With `Outcome::Later`: how long the bridge waits before it delivers the event again. 0 leaves that to the bridge.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The reason why an agent cannot work now. No event is at fault, and none of the frame took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwell {
    /// A short name that people can look up: an SQLSTATE, or a word such as `unreachable`.
    pub code: String,
    pub error: String,
}

/// What an agent says about a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// One result for each event of the frame, in order. Empty for heartbeats, and for ticks unless there is more to do than fits into
    /// one tick: then one result `Outcome::Later` asks for another tick at once.
    #[serde(rename = "results")]
    Results(Vec<EventResult>),
    #[serde(rename = "unwell")]
    Unwell(Unwell),
}

/// An agent's answer to a frame, published on `reply_to`, or pushed onto that list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    pub frame: Uuid,
    pub epoch: u64,
    pub lane: String,
    #[serde(flatten)]
    pub answer: Answer,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

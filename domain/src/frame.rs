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
    /// Redis channel for the ack.
    pub reply_to: String,
    /// Number of this delivery of the events, from 1.
    pub attempt: u32,
    pub kind: Kind,
    /// CloudEvents 1.0 in structured JSON mode.
    #[serde(default)]
    pub events: Vec<Box<RawValue>>,
}

/// The outcome of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The effect is durable, from this delivery or an earlier one.
    Done,
    /// Applying the event failed, but may succeed later.
    Retry,
    /// The event can never be applied.
    Reject,
}

/// The result of one event of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventResult {
    /// The event's `id`. It is text, because an invalid event may have an id that is not a UUID.
    pub id: String,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// An agent's answer to a frame, published on `reply_to`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    pub frame: Uuid,
    pub epoch: u64,
    pub lane: String,
    /// One result for each event of the frame, in order. Empty for ticks and heartbeats.
    pub results: Vec<EventResult>,
}

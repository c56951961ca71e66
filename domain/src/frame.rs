//! Frames: the one message between the bridge and an agent, and its answer (delivery.md, section 4).
//!
//! Events ride in a frame as the JSON text they were born with; nobody on the way parses and prints them again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// What a frame asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Apply `events`, in order, and answer with one result each.
    Events,
    /// Time has passed: look for work that is due now. Carries no events.
    Tick,
    /// Answer at once. Carries no events.
    Heartbeat,
}

/// A Redis message on `spindle.<agent>.<instance>.<lane>`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Frame {
    /// Names this sending of the frame; a redelivery has a new one.
    pub frame: Uuid,
    /// The sender's assignment of partitions; an answer with an older epoch is ignored.
    pub epoch: u64,
    /// The channel the frame came on, echoed in the answer: an agent is not told its channel by Spin.
    pub lane: String,
    /// The Redis channel to answer on.
    pub reply_to: String,
    /// 1 for the first delivery of these events.
    pub attempt: u32,
    pub kind: Kind,
    /// CloudEvents 1.0 in structured JSON.
    #[serde(default)]
    pub events: Vec<Box<RawValue>>,
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The effect is durable (now, or from an earlier delivery).
    Done,
    /// It may work later.
    Retry,
    /// It can never work.
    Reject,
}

/// The outcome of one event of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventResult {
    /// The event's `id`, as text: a poison event may have an id that is no UUID.
    pub id: String,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// An agent's answer, published on the frame's `reply_to`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    pub frame: Uuid,
    pub epoch: u64,
    pub lane: String,
    /// One per event in the frame, in its order; empty for ticks and heartbeats.
    pub results: Vec<EventResult>,
}

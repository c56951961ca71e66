//! Frames in, answers out: the two Redis messages of an agent (delivery.md, section 4).

use domain::frame::{Ack, Frame};
use spin_sdk::redis;

use crate::postgres::DbError;
use crate::variables::{self, BadSetting};

/// Why a frame went unanswered. The bridge sees silence and delivers again; while heartbeats go unanswered as well, it
/// takes the agent for unwell and blames no event.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error(transparent)]
    Setting(#[from] BadSetting),
    #[error("the message is no frame: {0}")]
    NoFrame(serde_json::Error),
    /// Nothing was done, and no event is known to be at fault.
    #[error("the work could not be done: {0}")]
    Work(#[from] DbError),
    #[error("the answer does not print: {0}")]
    Print(serde_json::Error),
    #[error("Redis does not take the answer: {0}")]
    Redis(redis::Error),
}

/// Reads a frame from a Redis message.
pub fn parse(message: &[u8]) -> Result<Frame, FrameError> {
    serde_json::from_slice(message).map_err(FrameError::NoFrame)
}

/// Publishes the answer on the channel that the frame named. Opens a connection each time, which is fine once a frame.
pub fn answer(reply_to: &str, ack: &Ack) -> Result<(), FrameError> {
    let url = variables::get("redis_url")?;
    let message = serde_json::to_vec(ack).map_err(FrameError::Print)?;
    let connection = redis::Connection::open(&url).map_err(FrameError::Redis)?;
    connection
        .publish(reply_to, &message)
        .map_err(FrameError::Redis)
}

//! The two Redis messages of an agent: it receives frames and answers each with an ack.

use domain::frame::{Ack, Frame};
use spin_sdk::redis;

use crate::postgres::DbError;
use crate::variables::{self, BadSetting};

/// The reason why a frame gets no ack. The bridge then redelivers the frame. If heartbeats get no ack either, it considers
/// the agent unavailable and counts no attempt for the events.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error(transparent)]
    Setting(#[from] BadSetting),
    #[error("the message is not a frame: {0}")]
    NoFrame(serde_json::Error),
    /// The statement had no effect, and no event is known to have caused the error.
    #[error("the events could not be processed: {0}")]
    Work(#[from] DbError),
    #[error("the ack could not be serialized: {0}")]
    Print(serde_json::Error),
    #[error("the ack could not be published to Redis: {0}")]
    Redis(redis::Error),
}

/// Parses the frame in a Redis message.
pub fn parse(message: &[u8]) -> Result<Frame, FrameError> {
    serde_json::from_slice(message).map_err(FrameError::NoFrame)
}

/// Publishes an ack on the channel that its frame names in `reply_to`. It opens a connection for each ack, which costs little
/// compared with the work for a frame.
pub fn answer(reply_to: &str, ack: &Ack) -> Result<(), FrameError> {
    let url = variables::get("redis_url")?;
    let message = serde_json::to_vec(ack).map_err(FrameError::Print)?;
    let connection = redis::Connection::open(&url).map_err(FrameError::Redis)?;
    connection
        .publish(reply_to, &message)
        .map_err(FrameError::Redis)
}

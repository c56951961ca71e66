//! The two Redis messages of an agent: it receives frames and answers each with an ack.

use domain::frame::{Ack, Answer, EventResult, Frame, Kind, Outcome, Unwell};
use spin_sdk::redis::{self, Connection, RedisParameter};

use crate::logging;
use crate::postgres::DbError;
use crate::variables::{self, BadSetting};

/// The reason why an agent cannot work now. No event is at fault.
pub trait CannotWork: std::error::Error {
    /// A short name that people can look up.
    fn code(&self) -> String;
}

impl CannotWork for DbError {
    /// Most errors have no SQLSTATE here, because the host passes on the text of an execution error alone.
    fn code(&self) -> String {
        self.sqlstate().unwrap_or("postgres").to_owned()
    }
}

/// The reason why a frame gets no ack. The bridge then redelivers the frame. If heartbeats get no ack either, it considers
/// the agent absent and counts no attempt for the events.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error(transparent)]
    Setting(#[from] BadSetting),
    #[error("the message is not a frame: {0}")]
    NoFrame(serde_json::Error),
    #[error("the ack could not be serialized: {0}")]
    Print(serde_json::Error),
    #[error("the ack could not be published to Redis: {0}")]
    Redis(redis::Error),
}

/// Handles one message of the Redis trigger: parses the frame, lets the agent work on it, and answers it.
///
/// A message that cannot be parsed names no channel for an ack, so it is logged and dropped. If the agent cannot work, the ack says
/// so. Only a frame whose ack cannot be published gets none, and the bridge redelivers its events.
///
/// # Errors
/// There was no ack. The error is logged.
pub fn handle<Reason: CannotWork>(
    message: &[u8],
    work: impl FnOnce(&Frame) -> Result<Vec<EventResult>, Reason>,
) -> Result<(), FrameError> {
    let handled = parse(message).and_then(|frame| {
        let worked = work(&frame);
        answer(frame, worked)
    });
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

/// Whether there is nothing left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Finished,
    TimeIsOver,
}

impl Progress {
    /// The answer to a tick. If there is more to do, it asks for another tick.
    pub fn results(self, tick: &Frame) -> Vec<EventResult> {
        match self {
            Self::Finished => Vec::new(),
            Self::TimeIsOver => vec![EventResult {
                id: tick.frame.to_string(),
                outcome: Outcome::Later,
                after_ms: 0,
                error: None,
            }],
        }
    }
}

/// Parses the frame in a Redis message.
fn parse(message: &[u8]) -> Result<Frame, FrameError> {
    serde_json::from_slice(message).map_err(FrameError::NoFrame)
}

/// Answers a frame with its results. An error says that the agent cannot work now: nothing of the frame took effect, or
/// whether it did is unknown, and no event is at fault. A function that knows which event caused an error returns results.
///
/// It opens a connection for each ack, which costs little compared with the work for a frame.
fn answer<Reason: CannotWork>(
    frame: Frame,
    worked: Result<Vec<EventResult>, Reason>,
) -> Result<(), FrameError> {
    let answer = match worked {
        Ok(results) => Answer::Results(results),
        Err(error) => {
            logging::warn("cannot work on a frame now")
                .field("frame", frame.frame.to_string())
                .field("events", frame.events.len())
                .chain(&error)
                .write();
            Answer::Unwell(Unwell {
                code: error.code(),
                error: error.to_string(),
            })
        }
    };
    let ack = Ack {
        frame: frame.frame,
        epoch: frame.epoch,
        lane: frame.lane,
        answer,
    };
    let url = variables::get("redis_url")?;
    let message = serde_json::to_vec(&ack).map_err(FrameError::Print)?;
    let connection = Connection::open(&url).map_err(FrameError::Redis)?;
    let sent = match frame.kind {
        Kind::Probe => push(&connection, &frame.reply_to, message),
        Kind::Events | Kind::Tick | Kind::Heartbeat => {
            connection.publish(&frame.reply_to, &message)
        }
    };
    sent.map_err(FrameError::Redis)
}

/// Pushes an ack onto a list. The list expires, because nobody may wait for the ack any more.
fn push(connection: &Connection, list: &str, message: Vec<u8>) -> Result<(), redis::Error> {
    const EXPIRES_SECONDS: i64 = 60;
    let list = || RedisParameter::Binary(list.into());
    connection.execute("rpush", &[list(), RedisParameter::Binary(message)])?;
    connection.execute("expire", &[list(), RedisParameter::Int64(EXPIRES_SECONDS)])?;
    Ok(())
}

//! Publishes batches on the channels of the gateways.

use std::collections::BTreeMap;

use domain::live::{self, Batch};
use guest::frames::CannotWork;
use guest::variables::{self, BadSetting};
use spin_sdk::redis::{self, Connection};

/// Why the batches of a frame could not be published. Some of them may have been.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(transparent)]
    Setting(#[from] BadSetting),
    #[error("a batch could not be serialized: {0}")]
    Print(#[from] serde_json::Error),
    #[error("a batch could not be published to Redis: {0}")]
    Redis(#[from] redis::Error),
}

impl CannotWork for PublishError {
    fn code(&self) -> String {
        match self {
            Self::Setting(_) => "setting",
            Self::Print(_) => "print",
            Self::Redis(_) => "redis",
        }
        .to_owned()
    }
}

/// Publishes each batch on the channel of its shard. Nobody listens where no gateway runs, which is no error.
///
/// # Errors
/// Redis or a setting fails. The frame is delivered again then.
pub fn publish(batches: &BTreeMap<u8, Batch>) -> Result<(), PublishError> {
    if batches.is_empty() {
        return Ok(());
    }
    let prefix = variables::get("redis_prefix")?;
    let connection = Connection::open(&variables::get("redis_url")?)?;
    for (shard, batch) in batches {
        let message = serde_json::to_vec(batch)?;
        connection.publish(&live::channel(&prefix, *shard), &message)?;
    }
    Ok(())
}

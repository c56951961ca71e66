//! Where a series stands: its recurrence and its newest occurrence, in the JSON that the API gives to its agent.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Done;

/// Where a series stands.
#[derive(Clone, Debug, Deserialize)]
pub struct Standing {
    pub series_id: Uuid,
    /// The stored recurrence. It is sent back as it is, and tells the API whether the series has been changed in between.
    pub recurrence: Box<RawValue>,
    /// The newest occurrence.
    pub after: Newest,
    /// The clock that says what is due.
    pub now: DateTime<Utc>,
}

/// How many times the next occurrence of a series is computed, because the series can change before the occurrence is made.
pub const ROUNDS: usize = 3;

/// The API's answer to a request to make an occurrence.
#[derive(Debug, Deserialize)]
pub struct Made {
    pub outcome: String,
    /// Where the series stands, if it has changed.
    pub state: Option<Standing>,
}

/// The newest occurrence of a series.
#[derive(Clone, Debug, Deserialize)]
pub struct Newest {
    /// Id of its task.
    pub id: Uuid,
    /// Its key, see [`super::Occurrence::key`].
    pub occurrence: String,
    pub number: i64,
    /// When it was completed or skipped.
    pub at: DateTime<Utc>,
    pub skipped: bool,
    /// Whether it is neither completed nor skipped.
    pub open: bool,
}

impl Newest {
    /// The occurrence, which is completed or skipped.
    pub fn done(&self) -> Done<'_> {
        Done {
            occurrence: &self.occurrence,
            number: self.number,
            at: self.at,
            skipped: self.skipped,
        }
    }
}

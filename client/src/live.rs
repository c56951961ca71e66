//! The messages of `GET /live`.

use serde::Deserialize;

use crate::store::Delta;
use crate::task::{Fields, Item, Task, take};

/// A message of the gateway.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Message {
    pub kind: Kind,
    /// The number of the user's change; of `resync` the newest one.
    pub seq: u64,
    /// What has changed.
    pub delta: Delta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The connection is open; the changes after the client's number follow.
    Hello,
    /// A task, or series, reminders and settings.
    Changed,
    /// A tombstone.
    Gone,
    Notification,
    /// A client that is not complete up to the number has missed something.
    Resync,
    /// A kind of a later version.
    #[serde(other)]
    Unknown,
}

impl TryFrom<Fields> for Message {
    type Error = serde_json::Error;

    fn try_from(mut message: Fields) -> Result<Self, Self::Error> {
        let fields = &mut message;
        let kind = take(fields, "type")?;
        let seq: u64 = take::<Option<u64>>(fields, "seq")?.unwrap_or_default();
        let task: Option<Task> = take(fields, "task")?;
        let mut list =
            |name| take::<Option<Vec<Item>>>(fields, name).map(Option::unwrap_or_default);
        let mut delta = Delta {
            changes: task.into_iter().collect(),
            series: list("series")?,
            reminders: list("reminders")?,
            notifications: list("notifications")?,
            account: take(fields, "account")?,
        };
        if kind == Kind::Gone {
            fields.insert("seq".to_owned(), seq.into());
            delta.changes.push(serde_json::from_value(message.into())?);
        }
        Ok(Self { kind, seq, delta })
    }
}

//! Live updates: what clients are told about an event, and how the agent `sync` passes it to the gateways.
//!
//! A user belongs to one of [`SHARDS`] Redis channels. A message on such a channel is a [`Batch`]: messages of several users, each with the
//! text that the user's clients get. The text is made here, once, and no gateway parses it again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::event::EventType;

/// The number of channels.
pub const SHARDS: u8 = 64;

/// How the text begins that tells clients to compare.
const RESYNC: &str = r#"{"type":"resync","seq":"#;

/// The shard of a user: FNV-1a over the bytes of the id, because most of the bits of an id that is made by time are equal for a while.
pub fn shard(user: Uuid) -> u8 {
    let hash = user.as_bytes().iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    let folded = hash ^ (hash >> 16);
    u8::try_from(folded % u32::from(SHARDS)).unwrap_or_default()
}

/// The channel of a shard. `prefix` is that of all channels of the installation.
pub fn channel(prefix: &str, shard: u8) -> String {
    format!("{prefix}.live.{shard}")
}

/// A message on a channel: what some users' clients are told, in order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Batch {
    pub messages: Vec<Message>,
}

/// What the clients of a user are told about one event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    pub user: Uuid,
    /// The number of the change in the user's order.
    pub seq: i64,
    /// The text for clients, in one line.
    pub text: Box<RawValue>,
}

/// Why no client can be told about an event. Repeating cannot help.
#[derive(Debug, thiserror::Error)]
pub enum BadEvent {
    #[error("the event cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the event has no number")]
    NoNumber,
}

/// What clients are told about an event; `None` if nothing, because it is of another type.
///
/// # Errors
/// The event has not the members of its type.
pub fn message(event: &RawValue) -> Result<Option<Message>, BadEvent> {
    let Envelope {
        kind,
        userid,
        seq,
        data,
    } = serde_json::from_str(event.get())?;
    let text = match EventType::from_name(&kind) {
        Some(EventType::TaskChanged) => Told::of_task,
        Some(EventType::UserChanged) => Told::of_user,
        _ => return Ok(None),
    };
    let seq = seq.filter(|seq| *seq > 0).ok_or(BadEvent::NoNumber)?;
    let data = data.map_or("null", RawValue::get);
    let text = serde_json::to_string(&text(seq, data)?)?;
    Ok(Some(Message {
        user: userid,
        seq,
        text: RawValue::from_string(one_line(text))?,
    }))
}

/// What a client is told that has to compare its number with this one, and to pull if its own is lower.
pub fn resync(seq: i64) -> String {
    format!("{RESYNC}{seq}}}")
}

/// Whether a client is told to compare. `text` is what this module makes.
pub fn is_resync(text: &str) -> bool {
    text.starts_with(RESYNC)
}

/// The id of an event, also of one that is refused.
pub fn event_id(event: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    let event: Identified = serde_json::from_str(event.get()).ok()?;
    Some(event.id)
}

/// JSON in one line, as server-sent events need it. Line breaks in JSON stand between values only; those in strings are escaped.
fn one_line(text: String) -> String {
    match text.contains(['\n', '\r']) {
        true => text.replace(['\n', '\r'], " "),
        false => text,
    }
}

/// The members of an event that matter here. Its data stays the text that it is.
#[derive(Deserialize)]
struct Envelope<'event> {
    #[serde(rename = "type")]
    kind: String,
    userid: Uuid,
    #[serde(default)]
    seq: Option<i64>,
    #[serde(default, borrow)]
    data: Option<&'event RawValue>,
}

/// A message as clients read it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Told<'event> {
    /// A task is as it is told now.
    #[serde(rename = "changed")]
    Task { seq: i64, task: &'event RawValue },
    /// A task was deleted.
    Gone {
        seq: i64,
        id: Uuid,
        version: i64,
        deleted_at: String,
    },
    /// The client compares its number with this one, and pulls if its own is lower.
    Resync { seq: i64 },
    /// Notifications came or were read, and nothing else changed.
    Notification {
        seq: i64,
        notifications: Vec<&'event RawValue>,
    },
    /// Other data of the user is as it is told now.
    #[serde(rename = "changed")]
    User {
        seq: i64,
        series: Vec<&'event RawValue>,
        reminders: Vec<&'event RawValue>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notifications: Vec<&'event RawValue>,
        account: Option<&'event RawValue>,
    },
}

impl<'event> Told<'event> {
    fn of_task(seq: i64, data: &'event str) -> Result<Self, BadEvent> {
        #[derive(Deserialize)]
        struct Data<'event> {
            #[serde(borrow)]
            task: &'event RawValue,
        }
        #[derive(Deserialize)]
        struct Task {
            id: Uuid,
            version: i64,
            deleted_at: Option<String>,
        }
        let Data { task } = serde_json::from_str(data)?;
        let Task {
            id,
            version,
            deleted_at,
        } = serde_json::from_str(task.get())?;
        Ok(match deleted_at {
            None => Self::Task { seq, task },
            Some(deleted_at) => Self::Gone {
                seq,
                id,
                version,
                deleted_at,
            },
        })
    }

    fn of_user(seq: i64, data: &'event str) -> Result<Self, BadEvent> {
        #[derive(Deserialize)]
        struct Data<'event> {
            #[serde(borrow)]
            series: Vec<&'event RawValue>,
            #[serde(borrow)]
            reminders: Vec<&'event RawValue>,
            #[serde(borrow)]
            notifications: Vec<&'event RawValue>,
            #[serde(borrow)]
            account: Option<&'event RawValue>,
            /// What changed is too much for an event.
            #[serde(default)]
            fetch: bool,
        }
        let Data {
            series,
            reminders,
            notifications,
            account,
            fetch,
        } = serde_json::from_str(data)?;
        if fetch {
            return Ok(Self::Resync { seq });
        }
        let only_notifications = series.is_empty() && reminders.is_empty() && account.is_none();
        Ok(if only_notifications && !notifications.is_empty() {
            Self::Notification { seq, notifications }
        } else {
            Self::User {
                seq,
                series,
                reminders,
                notifications,
                account,
            }
        })
    }
}

#[cfg(test)]
mod tests;

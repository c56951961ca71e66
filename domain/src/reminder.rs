//! Reminders of a task: when each fires, and through which channels.

mod lead;
mod preferences;
mod quiet;
mod request;

use std::collections::HashSet;

use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};
use chrono_tz::Tz;
pub use lead::{Lead, Repeat};
pub use preferences::Preferences;
pub use quiet::{Quiet, QuietMode, quiet_until};
pub use request::{ReminderPatch, snooze};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::due::{Due, instant};
use crate::json::{self, Fault, Json, Reader, nullable};
use crate::text_enum::text_enum;

/// Maximum number of reminders of one task.
const MAX_REMINDERS: usize = 20;

text_enum!(
    /// The way on which a notification reaches its user.
    Channel { InApp = "in_app", Email = "email", Push = "push" }
);
text_enum!(
    /// The state of a reminder.
    State { Scheduled = "scheduled", Fired = "fired", Acknowledged = "acknowledged", Cancelled = "cancelled" }
);

/// When a reminder fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the task is due. A lead of zero is written as `"on":"due"`.
    Before(Lead),
    At(DateTime<Utc>),
}

impl When {
    /// The instant at which the reminder fires, or `None` if it needs a due date and the task has none.
    ///
    /// `zone` and `time_of_day` are the account's. A date is due at that time of day, in that zone. The days of a lead count on the
    /// calendar of the due's timezone, and of the account's if the due is an instant, because an offset knows no changes of clocks.
    #[must_use]
    pub fn fires_at(
        &self,
        due: Option<&Due>,
        zone: Tz,
        time_of_day: NaiveTime,
    ) -> Option<DateTime<Utc>> {
        let lead = match self {
            Self::At(at) => return Some(*at),
            Self::Before(lead) => lead,
        };
        Some(match *due? {
            Due::Date(date) => lead.before(date.and_time(time_of_day), zone),
            Due::Local { datetime, timezone } => lead.before(datetime, timezone),
            Due::Instant(due) => {
                let due = due.with_timezone(&zone);
                match lead.days() {
                    // The local time may occur twice, so it says less than the instant.
                    0 => due.to_utc() - lead.exact(),
                    _ => lead.before(due.naive_local(), zone),
                }
            }
        })
    }
}

impl When {
    /// The three members, of which one is set.
    fn members(self) -> [(String, Value); 3] {
        let (before, at, on) = match self {
            Self::Before(lead) if lead.is_zero() => (None, None, Some("due")),
            Self::Before(lead) => (Some(lead.to_string()), None, None),
            Self::At(at) => (
                None,
                Some(at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
                None,
            ),
        };
        [
            ("before".to_owned(), json!(before)),
            ("at".to_owned(), json!(at)),
            ("on".to_owned(), json!(on)),
        ]
    }
}

/// One reminder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// The reminder of the task that this one replaces. `None` for a new one.
    pub id: Option<Uuid>,
    pub when: When,
    /// At least one, without duplicates, in the order of [`Channel`]. `None` stands for the account's.
    pub channels: Option<Vec<Channel>>,
    /// How often it fires again until somebody acknowledges it.
    pub repeat: Option<Repeat>,
}

impl Reminder {
    /// Parses a reminder of a task. The members that clients cannot set may be there with any value that they can have: they change
    /// while a client edits what it has read.
    fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(pointer, value)?;
        let id = reader.optional("id", nullable(id)).flatten();
        reader.optional("state", State::parse);
        reader.optional("fires_at", nullable(instant_member));
        reader.optional("snoozed_until", nullable(instant_member));
        let at = reader.optional("at", nullable(instant_member));
        Self::read(pointer, reader, id, at)
    }

    /// Parses a reminder that new tasks get. It has no id, and needs a due date.
    fn parse_default(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        Self::read(pointer, Reader::new(pointer, value)?, None, None)
    }

    fn read(
        pointer: &str,
        mut reader: Reader,
        id: Option<Uuid>,
        at: Option<Option<DateTime<Utc>>>,
    ) -> Result<Self, Vec<Fault>> {
        let before = reader.optional("before", nullable(Lead::parse)).flatten();
        let on = reader.optional("on", nullable(on_due)).flatten();
        let channels = reader.optional("channels", nullable(channels)).flatten();
        let repeat = reader.optional("repeat", nullable(Repeat::parse)).flatten();
        reader.finish()?;
        let when = match (before.or(on), at.flatten()) {
            _ if before.is_some() && on.is_some() => None,
            (Some(lead), None) => Some(When::Before(lead)),
            (None, Some(at)) => Some(When::At(at)),
            _ => None,
        };
        let when = when.ok_or_else(|| {
            let detail = "must have exactly one of `before`, such as PT30M, `at`, such as 2026-03-01T08:00:00Z, and `on`, which is \"due\"";
            vec![Fault::new(pointer, detail)]
        })?;
        Ok(Self {
            id,
            when,
            channels,
            repeat,
        })
    }

    /// The members that a client can set. Those that are not set are null.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members: Map<String, Value> = self.when.members().into_iter().collect();
        members.insert("id".to_owned(), json!(self.id));
        members.insert(
            "channels".to_owned(),
            json!(self.channels.as_deref().map(names)),
        );
        members.insert(
            "repeat".to_owned(),
            json!(self.repeat.map(|repeat| repeat.to_string())),
        );
        Value::Object(members)
    }
}

/// The reminders of a task, at most 20.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reminders(Vec<Reminder>);

impl Reminders {
    /// Parses the member `reminders` of a task.
    ///
    /// # Errors
    /// All faults, with pointers below `pointer`.
    pub fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let reminders = items(pointer, value, Reminder::parse)?;
        let mut known = HashSet::new();
        for (index, reminder) in reminders.iter().enumerate() {
            if reminder.id.is_some_and(|id| !known.insert(id)) {
                let detail = "must be the id of one reminder alone; leave it out for a new one";
                return Err(vec![Fault::new(format!("{pointer}/{index}/id"), detail)]);
            }
        }
        Ok(Self(reminders))
    }

    /// Parses the reminders that a new task gets if it has a due date. They have no `id` and no `at`.
    fn parse_defaults(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        items(pointer, value, Reminder::parse_default).map(Self)
    }

    #[must_use]
    pub fn as_slice(&self) -> &[Reminder] {
        &self.0
    }

    /// A JSON array. Equal reminders have equal texts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.0.iter().map(Reminder::to_json).collect()
    }
}

fn items(
    pointer: &str,
    value: Json,
    parse: impl Fn(&str, Json) -> Result<Reminder, Vec<Fault>>,
) -> Result<Vec<Reminder>, Vec<Fault>> {
    list(pointer, value, MAX_REMINDERS, "reminders", parse)
}

/// Parses an array of at most `max` items.
fn list<T>(
    pointer: &str,
    value: Json,
    max: usize,
    what: &str,
    parse: impl Fn(&str, Json) -> Result<T, Vec<Fault>>,
) -> Result<Vec<T>, Vec<Fault>> {
    let Json::List(values) = value else {
        let detail = format!("must be an array, not {}", value.kind());
        return Err(vec![Fault::new(pointer, detail)]);
    };
    if values.len() > max {
        let detail = format!("must have at most {max} {what}");
        return Err(vec![Fault::new(pointer, detail)]);
    }
    let (mut parsed, mut faults) = (Vec::with_capacity(values.len()), Vec::new());
    for (index, value) in values.into_iter().enumerate() {
        match parse(&format!("{pointer}/{index}"), value) {
            Ok(item) => parsed.push(item),
            Err(mut more) => faults.append(&mut more),
        }
    }
    match faults.is_empty() {
        true => Ok(parsed),
        false => Err(faults),
    }
}

/// Parses one to three channels without duplicates.
fn channels(pointer: &str, value: Json) -> Result<Vec<Channel>, Vec<Fault>> {
    let max = Channel::NAMES.len();
    let channels = sorted(
        pointer,
        list(pointer, value, max, "channels", Channel::parse)?,
    )?;
    if channels.is_empty() {
        let detail = format!("must have at least one of {}", Channel::NAMES.join(", "));
        return Err(vec![Fault::new(pointer, detail)]);
    }
    Ok(channels)
}

/// Sorts channels. One that is there twice is a fault.
fn sorted(pointer: &str, mut channels: Vec<Channel>) -> Result<Vec<Channel>, Vec<Fault>> {
    let given = channels.len();
    channels.sort_by_key(|channel| *channel as u8);
    channels.dedup();
    match channels.len() == given {
        true => Ok(channels),
        false => Err(vec![Fault::new(pointer, "must not have a channel twice")]),
    }
}

fn names(channels: &[Channel]) -> Vec<&'static str> {
    channels.iter().map(|channel| channel.as_str()).collect()
}

fn id(pointer: &str, value: Json) -> Result<Uuid, Vec<Fault>> {
    let written = json::text(pointer, value, 1, 100)?;
    // Only the usual form, which is the one that the API prints.
    Uuid::try_parse(&written)
        .ok()
        .filter(|_| written.len() == 36)
        .ok_or_else(|| {
            let detail = "must be the UUID of a reminder of this task; leave it out for a new one";
            vec![Fault::new(pointer, detail)]
        })
}

pub(crate) fn instant_member(pointer: &str, value: Json) -> Result<DateTime<Utc>, Vec<Fault>> {
    let written = json::text(pointer, value, 1, 40)?;
    instant(&written).map(|at| at.to_utc()).ok_or_else(|| {
        let detail = "must be an instant with an offset, with microseconds at most, like 2026-03-01T08:00:00Z";
        vec![Fault::new(pointer, detail)]
    })
}

fn on_due(pointer: &str, value: Json) -> Result<Lead, Vec<Fault>> {
    match value {
        Json::Text(name) if name == "due" => Ok(Lead::default()),
        _ => Err(vec![Fault::new(pointer, "must be \"due\"")]),
    }
}

#[cfg(test)]
mod tests;

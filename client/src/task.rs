//! What the server has: tasks, and the items of its other lists.

use serde::de::DeserializeOwned;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Members of a JSON object. The engine passes on members that it does not know.
pub type Fields = Map<String, Value>;

/// A task as the API writes it, or a tombstone, which has no other members than `id`, `seq`, `version` and `deleted_at`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Task {
    pub id: Uuid,
    /// The number of the user's change that made this state; 0 for a task that the server does not have yet.
    pub seq: u64,
    /// Counts the changes of this task; 0 for a task that the server does not have yet.
    pub version: u64,
    /// When it was deleted, RFC 3339.
    pub deleted_at: Option<String>,
    /// All other members.
    pub fields: Fields,
}

impl Task {
    /// The value of a member; null if it is absent.
    pub fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    /// The text of a member; empty if it is none.
    pub fn text(&self, name: &str) -> &str {
        self.field(name).as_str().unwrap_or_default()
    }

    /// The values of these members.
    pub fn values<'a>(&self, names: impl Iterator<Item = &'a String>) -> Fields {
        let mut values = Fields::new();
        for name in names {
            values.insert(name.clone(), self.field(name).clone());
        }
        values
    }

    /// Whether its deletion is not known.
    pub fn is_alive(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// Whether there is still something to do.
    pub fn is_open(&self) -> bool {
        self.is_alive() && matches!(self.text("status"), "open" | "in_progress")
    }

    /// Whether a list of series or reminders may have changed together with it.
    pub fn has_company(&self) -> bool {
        let reminders = self.field("reminders").as_array();
        !self.field("series_id").is_null() || reminders.is_some_and(|list| !list.is_empty())
    }

    /// Its tags, without what is not text.
    pub fn tags(&self) -> Vec<String> {
        texts(self.field("tags"))
    }
}

/// An object with one member.
pub fn member(name: &str, value: impl Into<Value>) -> Fields {
    let mut fields = Fields::new();
    fields.insert(name.to_owned(), value.into());
    fields
}

/// The members of a recurrence that the server sets: its first due date, which is sent beside it, and whether it is paused, which holds
/// whatever the rule is.
const READ_ONLY: [&str; 4] = ["start", "description", "paused_at", "resumed_at"];

/// Whether two values of a member are the same in what a person can set.
pub fn alike(one: &Value, other: &Value) -> bool {
    let (Value::Object(one), Value::Object(other)) = (one, other) else {
        return one == other;
    };
    let is_set = |name: &String| !READ_ONLY.contains(&name.as_str());
    let covers = |one: &Fields, other: &Fields| {
        let mut members = one.iter();
        members.all(|(name, value)| !is_set(name) || other.get(name) == Some(value))
    };
    covers(one, other) && covers(other, one)
}

/// The texts of a JSON list.
pub fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// A series, a reminder or a notification as the API writes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Item {
    pub id: Uuid,
    /// The number of the user's change that made this state.
    pub seq: u64,
    /// All other members.
    pub fields: Fields,
}

// What serde derives for large objects is large, and browsers download it. So the large objects of the protocol are read from their
// members by hand.

impl TryFrom<Fields> for Task {
    type Error = &'static str;

    fn try_from(mut fields: Fields) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&mut fields)?,
            seq: number(&mut fields, "seq").ok_or("an item needs a seq")?,
            version: number(&mut fields, "version").ok_or("a task needs a version")?,
            deleted_at: match fields.remove("deleted_at") {
                None | Some(Value::Null) => None,
                Some(Value::String(at)) => Some(at),
                Some(_) => return Err("deleted_at is a time"),
            },
            fields,
        })
    }
}

impl TryFrom<Fields> for Item {
    type Error = &'static str;

    fn try_from(mut fields: Fields) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&mut fields)?,
            seq: number(&mut fields, "seq").ok_or("an item needs a seq")?,
            fields,
        })
    }
}

impl Serialize for Task {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("version", &self.version)?;
        map.serialize_entry("deleted_at", &self.deleted_at)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("seq", &self.seq)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn id(fields: &mut Fields) -> Result<Uuid, &'static str> {
    let id = fields.remove("id");
    let id = id.as_ref().and_then(Value::as_str);
    id.and_then(|id| Uuid::parse_str(id).ok())
        .ok_or("an item needs an id")
}

/// Takes a member out and reads it. An absent member is read as null.
pub fn take<T: DeserializeOwned>(fields: &mut Fields, name: &str) -> Result<T, serde_json::Error> {
    serde_json::from_value(fields.remove(name).unwrap_or_default())
}

/// Reads a struct from the members of an object, for `#[serde(try_from = "Fields")]`. See above why it is not derived.
macro_rules! from_members {
    ($name:ident { $($member:ident),+ $(,)? }) => {
        impl TryFrom<$crate::task::Fields> for $name {
            type Error = serde_json::Error;

            fn try_from(mut fields: $crate::task::Fields) -> Result<Self, Self::Error> {
                Ok(Self {
                    $($member: $crate::task::take(&mut fields, stringify!($member))?,)+
                })
            }
        }
    };
}
pub(crate) use from_members;

fn number(fields: &mut Fields, name: &str) -> Option<u64> {
    fields.remove(name)?.as_u64()
}

//! Tasks: a type for each field, which holds valid values only, and the request bodies that contain them.

use serde_json::Value;
use uuid::Uuid;

use crate::due::{Due, DuePatch};
use crate::json::{self, Fault, Json, Reader, nullable};
use crate::recurrence::{Recurrence, RecurrencePatch};
use crate::reminder::Reminders;
use crate::tag::Tags;
use crate::text;
use crate::text_enum::text_enum;

text_enum!(
    /// The status of a task.
    Status { Open = "open", InProgress = "in_progress", Completed = "completed", Cancelled = "cancelled" }
);
text_enum!(
    /// The priority of a task, from lowest to highest.
    Priority { Low = "low", Medium = "medium", High = "high", Urgent = "urgent" }
);

/// The title of a task: 1 to 500 characters, not all of them invisible, without blanks around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let title = json::text(pointer, value, 1, 500)?;
        if text::is_blank(&title) {
            return Err(vec![Fault::new(pointer, "must not be blank")]);
        }
        Ok(Self(text::trimmed(&title).to_owned()))
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// The description of a task: up to 20,000 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// In characters.
    const LONGEST: usize = 20_000;

    fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        json::text(pointer, value, 0, Self::LONGEST).map(Self)
    }

    /// Whether a text is short enough.
    pub fn fits(text: &str) -> bool {
        text.chars().count() <= Self::LONGEST
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// The members of a task that clients cannot set.
const READ_ONLY: [&str; 11] = [
    "id",
    "due_at",
    "series_id",
    "occurrence",
    "occurrence_number",
    "version",
    "seq",
    "created_at",
    "updated_at",
    "completed_at",
    "deleted_at",
];

/// The body of `POST /api/tasks`, and the members of a task that PUT sets.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    pub id: Option<Uuid>,
    pub title: Title,
    pub description: Description,
    pub status: Status,
    pub priority: Priority,
    pub tags: Tags,
    pub due: Option<Due>,
    pub recurrence: Option<Recurrence>,
    /// `None`: those that the account gives to new tasks.
    pub reminders: Option<Reminders>,
}

impl NewTask {
    /// Parses the body. The client may choose the id.
    ///
    /// # Errors
    /// All faults of the body.
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let id = reader.optional("id", id);
        let task = Self::read(reader, id)?;
        task.check_recurrence()?;
        Ok(task)
    }

    /// Checks the recurrence against the due date.
    ///
    /// # Errors
    /// All faults, also if there is no due date.
    pub fn check_recurrence(&self) -> Result<(), Vec<Fault>> {
        match (&self.recurrence, &self.due) {
            (None, _) => Ok(()),
            (Some(recurrence), Some(due)) => recurrence.check("/recurrence", due),
            (Some(_), None) => Err(vec![needs_due()]),
        }
    }

    fn read(mut reader: Reader, id: Option<Uuid>) -> Result<Self, Vec<Fault>> {
        let title = reader.required("title", Title::parse);
        let description = reader
            .optional("description", Description::parse)
            .unwrap_or_default();
        let status = reader
            .optional("status", Status::parse)
            .unwrap_or(Status::Open);
        let priority = reader
            .optional("priority", Priority::parse)
            .unwrap_or(Priority::Medium);
        let tags = reader.optional("tags", Tags::parse).unwrap_or_default();
        let due = reader.optional("due", nullable(Due::parse)).flatten();
        let recurrence = reader
            .optional("recurrence", nullable(Recurrence::parse))
            .flatten();
        let reminders = reader.optional("reminders", Reminders::parse);
        reader.finish()?;
        match title {
            Some(title) => Ok(Self {
                id,
                title,
                description,
                status,
                priority,
                tags,
                due,
                recurrence,
                reminders,
            }),
            None => Err(vec![Fault::new("/title", "is required")]),
        }
    }
}

/// The fault of a recurrence without a due date.
pub fn needs_due() -> Fault {
    Fault::new(
        "/due",
        "is required for a task with a recurrence, whose first occurrence it is",
    )
}

/// The body of `PUT /api/tasks/{id}`. Absent members get their defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Replacement {
    pub task: NewTask,
    /// The members that clients cannot set. They may be in the body with the values that they have, so that a client can send what
    /// it has read.
    pub read_only: serde_json::Map<String, Value>,
}

impl Replacement {
    /// Parses the body.
    ///
    /// # Errors
    /// All faults of the body.
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let mut read_only = serde_json::Map::new();
        for name in READ_ONLY {
            if let Some(value) = reader.optional(name, unchanged) {
                read_only.insert(name.to_owned(), value);
            }
        }
        // Part of the answer to a request that completed the task.
        reader.take("next");
        let task = NewTask::read(reader, None)?;
        Ok(Self { task, read_only })
    }
}

/// Parses a value that a read-only member can have.
fn unchanged(pointer: &str, value: Json) -> Result<Value, Vec<Fault>> {
    match value {
        Json::Null => Ok(Value::Null),
        Json::Number(number) => Ok(Value::Number(number)),
        text @ Json::Text(_) => json::text(pointer, text, 1, 100).map(Value::String),
        Json::List(items) if items.is_empty() => Ok(Value::Array(Vec::new())),
        Json::Bool(_) | Json::List(_) | Json::Object(_) => {
            Err(vec![Fault::new(pointer, READ_ONLY_CHANGED)])
        }
    }
}

/// What is wrong with a read-only member that has another value.
pub const READ_ONLY_CHANGED: &str = "is read-only; leave it out or send its current value";

/// The changes of a PATCH. `None` leaves the field unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskPatch {
    pub title: Option<Title>,
    pub description: Option<Description>,
    pub status: Option<Status>,
    pub priority: Option<Priority>,
    pub tags: Option<Tags>,
    /// `Some(None)` removes the due date.
    pub due: Option<Option<DuePatch>>,
    /// `Some(None)` removes the recurrence.
    pub recurrence: Option<Option<RecurrencePatch>>,
    pub reminders: Option<Reminders>,
}

impl TaskPatch {
    /// Parses a merge patch (RFC 7396). Null sets a field to its default. Title and status have no default, so null is a fault
    /// there.
    ///
    /// # Errors
    /// All faults of the body.
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let patch = Self {
            title: reader.optional("title", Title::parse),
            description: reader
                .optional("description", nullable(Description::parse))
                .map(Option::unwrap_or_default),
            status: reader.optional("status", Status::parse),
            priority: reader
                .optional("priority", nullable(Priority::parse))
                .map(|priority| priority.unwrap_or(Priority::Medium)),
            tags: reader
                .optional("tags", nullable(Tags::parse))
                .map(Option::unwrap_or_default),
            due: reader.optional("due", nullable(DuePatch::parse)),
            recurrence: reader.optional("recurrence", nullable(RecurrencePatch::parse)),
            reminders: reader
                .optional("reminders", nullable(Reminders::parse))
                .map(Option::unwrap_or_default),
        };
        reader.finish()?;
        Ok(patch)
    }

    /// A patch that changes nothing but the status.
    pub fn status(status: Status) -> Self {
        Self {
            status: Some(status),
            ..Self::default()
        }
    }
}

impl From<NewTask> for TaskPatch {
    fn from(task: NewTask) -> Self {
        Self {
            title: Some(task.title),
            description: Some(task.description),
            status: Some(task.status),
            priority: Some(task.priority),
            tags: Some(task.tags),
            reminders: Some(task.reminders.unwrap_or_default()),
            due: Some(task.due.map(DuePatch::Whole)),
            recurrence: Some(
                task.recurrence
                    .map(|recurrence| RecurrencePatch::Whole(Box::new(recurrence))),
            ),
        }
    }
}

/// Parses the id of a task: a hyphenated UUID, neither nil nor max.
pub fn id(pointer: &str, value: Json) -> Result<Uuid, Vec<Fault>> {
    let written = json::text(pointer, value, 1, 64)?;
    // Only the hyphenated form is accepted, so that an id is the same text in paths, requests and responses.
    Some(&written)
        .filter(|written| written.len() == 36)
        .and_then(|written| Uuid::parse_str(written).ok())
        .filter(|id| !id.is_nil() && !id.is_max())
        .ok_or_else(|| vec![Fault::new(pointer, "must be a UUID")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    fn pointers(faults: Vec<Fault>) -> Vec<String> {
        let mut pointers: Vec<_> = faults.into_iter().map(|fault| fault.pointer).collect();
        pointers.sort();
        pointers
    }

    #[test]
    fn all_fields_but_the_title_have_defaults() {
        let task = NewTask::parse(json(r#"{"title":"Water the plants"}"#)).unwrap();
        assert_eq!(task.status, Status::Open);
        assert_eq!(task.priority, Priority::Medium);
        assert_eq!(task.due, None);
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let body = r#"{"title":"","status":"done","priority":1,"tags":["a",""],"due":{},"description":null,"id":"x","version":3}"#;
        assert_eq!(
            pointers(NewTask::parse(json(body)).unwrap_err()),
            [
                "/description",
                "/due",
                "/id",
                "/priority",
                "/status",
                "/tags/1",
                "/title",
                "/version"
            ]
        );
    }

    #[test]
    fn fields_have_the_limits_of_the_api_description() {
        let task = |title: String, tags: usize, tag: usize, description: usize| {
            let body = serde_json::json!({
                "title": title, "description": "d".repeat(description),
                "tags": (0..tags).map(|n| format!("{n:0>tag$}")).collect::<Vec<_>>(),
            });
            NewTask::parse(json(&body.to_string()))
        };
        assert!(task("é".repeat(500), 32, 64, 20_000).is_ok());
        assert!(task("é".repeat(501), 1, 2, 0).is_err());
        assert!(task("t".to_owned(), 33, 2, 0).is_err());
        assert!(task("t".to_owned(), 1, 65, 0).is_err());
        assert!(task("t".to_owned(), 1, 2, 20_001).is_err());
        assert!(task(" \n".to_owned(), 1, 2, 0).is_err());
        assert!(task("a\0b".to_owned(), 1, 2, 0).is_err());
    }

    #[test]
    fn duplicate_tags_are_removed() {
        let task = NewTask::parse(json(r#"{"title":"t","tags":["b","a","b"]}"#)).unwrap();
        assert_eq!(task.tags.into_vec(), ["b", "a"]);
    }

    #[test]
    fn null_in_a_patch_sets_the_default() {
        let patch = TaskPatch::parse(json(
            r#"{"description":null,"due":null,"tags":null,"priority":null}"#,
        ))
        .unwrap();
        assert_eq!(patch.description, Some(Description::default()));
        assert_eq!(patch.due, Some(None));
        assert_eq!(patch.tags, Some(Tags::default()));
        assert_eq!(patch.priority, Some(Priority::Medium));
        assert_eq!(TaskPatch::parse(json("{}")).unwrap(), TaskPatch::default());
        assert_eq!(
            pointers(TaskPatch::parse(json(r#"{"title":null,"status":null}"#)).unwrap_err()),
            ["/status", "/title"]
        );
    }

    #[test]
    fn a_replacement_may_contain_read_only_members() {
        let id = "01890000-0000-7000-8000-000000000000";
        let body =
            format!(r#"{{"title":"t","id":"{id}","version":3,"reminders":[],"series_id":null}}"#);
        let replacement = Replacement::parse(json(&body)).unwrap();
        assert_eq!(replacement.task.id, None);
        assert_eq!(
            Value::from(replacement.read_only),
            serde_json::json!({"id": id, "version": 3, "series_id": null})
        );
        for (member, pointer) in [
            (r#""version":true"#, "/version"),
            (r#""reminders":[1]"#, "/reminders/0"),
            (r#""occurrence_number":{}"#, "/occurrence_number"),
            (r#""id":"a\u0000b""#, "/id"),
            (r#""owner":"x""#, "/owner"),
        ] {
            let body = format!(r#"{{"title":"t",{member}}}"#);
            let faults = Replacement::parse(json(&body)).unwrap_err();
            assert_eq!(pointers(faults), [pointer], "{member}");
        }
    }
}

//! Operations: what a person does to a task on this device, and what it does to the view.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::task::{Fields, Item, Task, from_members, member, texts};

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Creates the task with these members.
    Create(Fields),
    /// Sets these members, each as a whole; null stands for the default. Tags and reminders have changes of their own.
    Update(Fields),
    /// Adds and removes tags. Kept as what was meant, so that it holds whatever tags others add and remove meanwhile.
    Tags {
        #[serde(default)]
        add: Vec<String>,
        #[serde(default)]
        remove: Vec<String>,
    },
    /// Sets the whole list of the task's reminders.
    Reminders(Vec<Value>),
    Complete,
    Reopen,
    /// Skips an occurrence of a series.
    Skip,
    Delete,
    Restore,
    /// Pauses the series of the task.
    Pause,
    /// Resumes the series of the task.
    Resume,
    /// Lets a reminder of the task fire again, at an instant.
    Snooze {
        reminder_id: Uuid,
        until: String,
    },
    /// Acknowledges a reminder of the task.
    Ack {
        reminder_id: Uuid,
    },
}

/// Which occurrences of a series an update or a deletion is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    This,
    Future,
    All,
}

/// An operation that the server has not confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Operation {
    pub op_id: Uuid,
    pub task_id: Uuid,
    pub change: Change,
    /// The newest version of the task of which everything was seen when the operation was made.
    pub base: u64,
    /// The values that the operation replaces, as they were seen then. Of tags, those of the base.
    pub seen: Fields,
    /// When it was done by the device's clock, RFC 3339.
    pub at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

from_members!(Operation {
    op_id,
    task_id,
    change,
    base,
    seen,
    at,
    scope
});

impl Change {
    /// The members that it sets, with their values; `None` for those whose effect is not a matter of values.
    pub fn sets(&self) -> Option<Fields> {
        let status = |status: &str| Some(member("status", status));
        match self {
            Self::Create(fields) | Self::Update(fields) => Some(fields.clone()),
            Self::Reminders(list) => Some(member("reminders", list.clone())),
            Self::Complete => status("completed"),
            Self::Reopen => status("open"),
            Self::Skip => status("cancelled"),
            Self::Tags { .. }
            | Self::Delete
            | Self::Restore
            | Self::Pause
            | Self::Resume
            | Self::Snooze { .. }
            | Self::Ack { .. } => None,
        }
    }

    /// Whether it can be for other occurrences of a series, too.
    pub fn has_scope(&self) -> bool {
        matches!(self, Self::Update(_) | Self::Tags { .. } | Self::Delete)
    }

    /// The reminder that it is for.
    pub fn reminder(&self) -> Option<Uuid> {
        match self {
            Self::Snooze { reminder_id, .. } | Self::Ack { reminder_id } => Some(*reminder_id),
            _ => None,
        }
    }

    /// The same without the tags that are already as it wants them.
    pub fn effective(mut self, tags: &[String]) -> Self {
        if let Self::Tags { add, remove } = &mut self {
            add.retain(|tag| !tags.contains(tag));
            remove.retain(|tag| tags.contains(tag));
        }
        self
    }

    /// These tags, with its own added and removed.
    pub fn tag(&self, mut tags: Vec<String>) -> Vec<String> {
        if let Self::Tags { add, remove } = self {
            tags.retain(|tag| !remove.contains(tag));
            let new = add.iter().filter(|tag| !tags.contains(tag)).cloned();
            tags.extend(new.collect::<Vec<_>>());
        }
        tags
    }
}

impl Operation {
    /// The task after this operation. An operation on a task that is not known has no effect yet, and an edit of a task that
    /// somebody has deleted brings it back, as it will on the server.
    pub fn apply(&self, task: Option<Task>) -> Option<Task> {
        let Some(mut task) = task else {
            return self.create();
        };
        match &self.change {
            // The server has made it already, and perhaps it has changed since.
            Change::Create(_) => return Some(task),
            Change::Delete => task.deleted_at = Some(self.at.clone()),
            Change::Restore => task.deleted_at = None,
            Change::Tags { .. } => {
                task.deleted_at = None;
                let tags = self.change.tag(task.tags());
                task.fields.insert("tags".to_owned(), tags.into());
            }
            Change::Complete | Change::Reopen => {
                let done = matches!(self.change, Change::Complete);
                let at = done.then(|| self.at.clone());
                task.fields.insert("completed_at".to_owned(), at.into());
                self.set(&mut task);
            }
            Change::Update(_) | Change::Reminders(_) | Change::Skip => self.set(&mut task),
            Change::Pause | Change::Resume => {
                if let Some(Value::Object(recurrence)) = task.fields.get_mut("recurrence") {
                    let paused = matches!(self.change, Change::Pause);
                    let at = |is: bool| Value::from(is.then(|| self.at.clone()));
                    recurrence.insert("paused_at".to_owned(), at(paused));
                    recurrence.insert("resumed_at".to_owned(), at(!paused));
                }
            }
            // They change the reminder alone, see `answer`.
            Change::Snooze { .. } | Change::Ack { .. } => {}
        }
        Some(task)
    }

    /// Changes a reminder as this operation does.
    pub fn answer(&self, reminder: &mut Item) {
        if self.change.reminder() != Some(reminder.id) {
            return;
        }
        let (state, until) = match &self.change {
            Change::Snooze { until, .. } => ("scheduled", Value::from(until.as_str())),
            _ => ("acknowledged", Value::Null),
        };
        for (name, value) in [
            ("state", state.into()),
            ("fires_at", until.clone()),
            ("snoozed_until", until),
        ] {
            reminder.fields.insert(name.to_owned(), value);
        }
    }

    fn set(&self, task: &mut Task) {
        task.deleted_at = None;
        for (name, value) in self.change.sets().into_iter().flatten() {
            let value = if value.is_null() {
                default(&name)
            } else {
                value
            };
            task.fields.insert(name, value);
        }
    }

    fn create(&self) -> Option<Task> {
        let Change::Create(fields) = &self.change else {
            return None;
        };
        let mut task = Task {
            id: self.task_id,
            seq: 0,
            version: 0,
            deleted_at: None,
            fields: member("created_at", self.at.as_str()),
        };
        for name in DEFAULTS {
            task.fields.insert(name.to_owned(), default(name));
        }
        for (name, value) in fields {
            task.fields.insert(name.clone(), value.clone());
        }
        let tags = texts(task.field("tags"));
        task.fields.insert("tags".to_owned(), tags.into());
        Some(task)
    }
}

/// The members that every task has.
const DEFAULTS: [&str; 12] = [
    "description",
    "status",
    "priority",
    "tags",
    "due",
    "due_at",
    "recurrence",
    "reminders",
    "series_id",
    "occurrence",
    "occurrence_number",
    "completed_at",
];

/// What a member is when it is not set.
fn default(name: &str) -> Value {
    match name {
        "description" => json!(""),
        "status" => json!("open"),
        "priority" => json!("medium"),
        "tags" | "reminders" => json!([]),
        _ => Value::Null,
    }
}

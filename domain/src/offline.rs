//! What a client has done offline: the operations of `POST /api/sync`. Each is parsed on its own, so an invalid one does not affect the
//! others.

pub mod text;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::batch::{fields, list, version, within};
use crate::due::DuePatch;
use crate::json::{self, Fault, Json, Reader};
use crate::recurrence::{Recurrence, RecurrencePatch};
use crate::reminder::{instant_member, snooze};
use crate::scope::Scope;
use crate::task::{self, NewTask, TaskPatch};
/// The body of `POST /api/sync`.
#[derive(Debug)]
pub struct Push {
    /// In the order in which they were done. An invalid operation is a list of its faults.
    pub operations: Vec<Parsed>,
    /// Whether either all operations are applied or none.
    pub atomic: bool,
    /// The position that the client has reached.
    pub cursor: Option<String>,
}

/// An operation, with the id under which its result is remembered.
#[derive(Debug)]
pub struct Parsed {
    /// `None` if it is invalid.
    pub op_id: Option<String>,
    pub operation: Result<Operation, Vec<Fault>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub task: Uuid,
    /// The version of the task that the client knew; `None` accepts any.
    pub base_version: Option<i64>,
    pub change: Change,
    /// When it was done by the clock of the client.
    pub occurred_at: Option<DateTime<Utc>>,
    pub scope: Option<Scope>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Create(Box<NewTask>),
    /// A merge patch of the fields that the client has set.
    Update(TaskPatch),
    Complete,
    Reopen,
    Skip,
    Delete,
    Restore,
    /// Pauses the task's series.
    Pause,
    /// Resumes the task's series.
    Resume,
    /// Lets a reminder of the task fire again: at an instant, or after a duration from `occurred_at`.
    Snooze {
        reminder: Uuid,
        until: String,
    },
    /// Acknowledges a reminder of the task, so it does not repeat.
    Acknowledge {
        reminder: Uuid,
    },
}

const UNKNOWN_OPERATION: &str = "must be one of create, update, reminders, complete, reopen, skip, delete, restore, pause, resume, \
                                 snooze, ack";

impl Push {
    /// Parses the body.
    ///
    /// # Errors
    /// The faults of the envelope. Faults of an operation are in [`Push::operations`].
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let operations = reader.required("operations", list);
        let atomic = reader.optional("atomic", json::boolean);
        let cursor = reader.optional("cursor", json::nullable(cursor)).flatten();
        reader.finish()?;
        let operations = operations.unwrap_or_default().into_iter().enumerate();
        Ok(Self {
            operations: operations
                .map(|(index, value)| parsed(&format!("/operations/{index}"), value))
                .collect(),
            atomic: atomic.unwrap_or(false),
            cursor,
        })
    }
}

fn cursor(pointer: &str, value: Json) -> Result<String, Vec<Fault>> {
    json::text(pointer, value, 1, 1_000)
}

fn op_id(pointer: &str, value: Json) -> Result<String, Vec<Fault>> {
    json::text(pointer, value, 1, 64)
}

fn parsed(pointer: &str, value: Json) -> Parsed {
    let mut reader = match Reader::new(pointer, value) {
        Ok(reader) => reader,
        Err(faults) => {
            return Parsed {
                op_id: None,
                operation: Err(faults),
            };
        }
    };
    let op_id = reader.required("op_id", op_id);
    Parsed {
        operation: operation(pointer, reader),
        op_id,
    }
}

fn operation(pointer: &str, mut reader: Reader) -> Result<Operation, Vec<Fault>> {
    let op = match reader.take("op") {
        Some(Json::Text(op)) => op,
        _ => String::new(),
    };
    let task = reader.required("task_id", task::id);
    let change = match op.as_str() {
        "create" => reader
            .required("fields", |pointer, value| created(pointer, value, task))
            .map(|task| Change::Create(Box::new(task))),
        "update" => reader.required("fields", changed).map(Change::Update),
        "reminders" => reader.required("fields", reminders).map(Change::Update),
        "complete" => Some(Change::Complete),
        "reopen" => Some(Change::Reopen),
        "skip" => Some(Change::Skip),
        "delete" => Some(Change::Delete),
        "restore" => Some(Change::Restore),
        "pause" => Some(Change::Pause),
        "resume" => Some(Change::Resume),
        "snooze" => {
            let until = reader.required("fields", within(snooze));
            let reminder = reader.required("reminder_id", task::id);
            reminder
                .zip(until)
                .map(|(reminder, until)| Change::Snooze { reminder, until })
        }
        "ack" => reader
            .required("reminder_id", task::id)
            .map(|reminder| Change::Acknowledge { reminder }),
        // `op` decides which other members are allowed, so they are not checked without it.
        _ => return Err(vec![Fault::new(format!("{pointer}/op"), UNKNOWN_OPERATION)]),
    };
    let base_version = reader
        .optional("base_version", json::nullable(version))
        .flatten();
    if op == "create" && base_version.is_some() {
        reader.fault("base_version", "is not allowed in a create");
    }
    let occurred_at = reader
        .optional("occurred_at", json::nullable(instant_member))
        .flatten();
    let scope = match op.as_str() {
        "update" | "delete" => reader
            .optional("scope", json::nullable(Scope::parse))
            .flatten(),
        _ => None,
    };
    reader.finish()?;
    if let Some(Change::Update(patch)) = &change {
        check_scope(pointer, patch, scope)?;
    }
    // A missing member is a fault that `finish` has returned, so this error is never seen.
    let (task, change) = task
        .zip(change)
        .ok_or_else(|| vec![Fault::new(pointer, "is not complete")])?;
    Ok(Operation {
        task,
        base_version,
        change,
        occurred_at,
        scope,
    })
}

fn check_scope(pointer: &str, patch: &TaskPatch, scope: Option<Scope>) -> Result<(), Vec<Fault>> {
    let (member, detail) = match scope {
        Some(Scope::This) if patch.recurrence.is_some() => (
            "scope",
            "cannot be `this` for a recurrence, which is that of all occurrences",
        ),
        Some(Scope::Future | Scope::All) if patch.due.is_some() && patch.recurrence.is_none() => (
            "fields/recurrence",
            "is required to move all occurrences to come: they begin with the due date",
        ),
        _ => return Ok(()),
    };
    Err(vec![Fault::new(format!("{pointer}/{member}"), detail)])
}

/// Parses the fields of a new task, whose id is that of the operation.
fn created(pointer: &str, value: Json, id: Option<Uuid>) -> Result<NewTask, Vec<Fault>> {
    let task = within(NewTask::parse)(pointer, value)?;
    match task.id {
        Some(other) if Some(other) != id => {
            let detail = "is not the `task_id` of the operation";
            Err(vec![Fault::new(format!("{pointer}/id"), detail)])
        }
        _ => Ok(NewTask { id, ..task }),
    }
}

/// Parses the fields of a change. A recurrence is a whole one, and has the due date that it begins with.
fn changed(pointer: &str, value: Json) -> Result<TaskPatch, Vec<Fault>> {
    let (recurrence, others) = match value {
        Json::Object(members) => {
            let (found, others): (Vec<_>, Vec<_>) = members
                .into_iter()
                .partition(|(name, value)| name == "recurrence" && *value != Json::Null);
            (found.into_iter().next(), Json::Object(others))
        }
        other => (None, other),
    };
    let mut patch = fields(pointer, others)?;
    if let Some((_, recurrence)) = recurrence {
        let at = format!("{pointer}/recurrence");
        let recurrence = Recurrence::parse(&at, recurrence)?;
        match &patch.due {
            Some(Some(DuePatch::Whole(due))) => recurrence.check(&at, due)?,
            _ => {
                let detail = "is required with a recurrence, which begins with it";
                return Err(vec![Fault::new(format!("{pointer}/due"), detail)]);
            }
        }
        patch.recurrence = Some(Some(RecurrencePatch::Whole(Box::new(recurrence))));
    }
    Ok(patch)
}

/// Parses the fields of an operation that sets reminders and nothing else.
fn reminders(pointer: &str, value: Json) -> Result<TaskPatch, Vec<Fault>> {
    let patch = fields(pointer, value)?;
    let only = TaskPatch {
        reminders: patch.reminders.clone(),
        ..TaskPatch::default()
    };
    if patch.reminders.is_none() || patch != only {
        let detail = "must have `reminders` and nothing else";
        return Err(vec![Fault::new(pointer, detail)]);
    }
    Ok(patch)
}

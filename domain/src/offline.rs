//! What a client has done offline: the operations of `POST /api/sync`. Each is parsed on its own, so an invalid one does not affect the
//! others.

pub mod text;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::batch::{fields, list, version, within};
use crate::due::DuePatch;
use crate::json::{self, Fault, Json, Reader};
use crate::recurrence::{Recurrence, RecurrencePatch};
use crate::reminder::instant_member;
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
}

const UNKNOWN_OPERATION: &str =
    "must be one of create, update, reminders, complete, reopen, skip, delete, restore";

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
    if let Some(Change::Update(patch)) = &change {
        check_scope(&mut reader, patch, scope);
    }
    reader.finish()?;
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

fn check_scope(reader: &mut Reader, patch: &TaskPatch, scope: Option<Scope>) {
    match scope {
        Some(Scope::This) if patch.recurrence.is_some() => reader.fault(
            "scope",
            "cannot be `this` for a recurrence, which is that of all occurrences",
        ),
        Some(Scope::Future | Scope::All) if patch.due.is_some() => reader.fault(
            "scope",
            "must be `this` for a due date; a request of its own moves the series",
        ),
        _ => {}
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890000-0000-7000-8000-000000000000";

    fn one(members: &str) -> Parsed {
        let body = format!(r#"{{"operations":[{{"op_id":"1","task_id":"{ID}",{members}}}]}}"#);
        let push = Push::parse(Json::parse(body.as_bytes()).unwrap()).unwrap();
        push.operations.into_iter().next().unwrap()
    }

    fn faults(members: &str) -> Vec<String> {
        let faults = one(members).operation.unwrap_err();
        faults.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn each_op_is_parsed() {
        for (op, change) in [
            ("complete", Change::Complete),
            ("reopen", Change::Reopen),
            ("skip", Change::Skip),
            ("delete", Change::Delete),
            ("restore", Change::Restore),
        ] {
            let parsed = one(&format!(
                r#""op":"{op}","base_version":3,"occurred_at":"2026-03-01T08:00:00Z""#
            ));
            assert_eq!(parsed.op_id.as_deref(), Some("1"));
            let operation = parsed.operation.unwrap();
            assert_eq!(operation.change, change);
            assert_eq!(operation.base_version, Some(3));
            assert_eq!(operation.task.to_string(), ID);
            assert!(operation.occurred_at.is_some());
        }
        let created = one(r#""op":"create","fields":{"title":"t"}"#);
        let Change::Create(task) = created.operation.unwrap().change else {
            panic!("no create");
        };
        assert_eq!(task.id.unwrap().to_string(), ID);
        let update = one(r#""op":"update","fields":{"title":"t"},"scope":"all""#);
        assert_eq!(update.operation.unwrap().scope, Some(Scope::All));
        let reminders = one(r#""op":"reminders","fields":{"reminders":[]}"#);
        assert!(matches!(
            reminders.operation.unwrap().change,
            Change::Update(_)
        ));
    }

    #[test]
    fn faults_name_the_member() {
        let at = |name: &str| vec![format!("/operations/0/{name}")];
        assert_eq!(faults(r#""op":"finish""#), at("op"));
        assert_eq!(faults(r#""op":"update""#), at("fields"));
        assert_eq!(
            faults(r#""op":"update","fields":{"title":""}"#),
            at("fields/title")
        );
        assert_eq!(
            faults(r#""op":"reminders","fields":{"title":"t"}"#),
            at("fields")
        );
        assert_eq!(
            faults(r#""op":"create","fields":{"title":"t"},"base_version":1"#),
            at("base_version")
        );
        assert_eq!(
            faults(
                r#""op":"create","fields":{"title":"t","id":"01890000-0000-7000-8000-000000000001"}"#
            ),
            at("fields/id")
        );
        assert_eq!(
            faults(r#""op":"complete","occurred_at":"yesterday""#),
            at("occurred_at")
        );
        assert_eq!(faults(r#""op":"complete","scope":"all""#), at("scope"));
        assert_eq!(
            faults(r#""op":"update","fields":{"recurrence":{"rule":"FREQ=DAILY"}}"#),
            at("fields/due")
        );
        assert_eq!(
            faults(r#""op":"update","fields":{"recurrence":null},"scope":"this""#),
            at("scope")
        );
    }
}

//! The operations of `POST /api/sync`, as they are sent. Once sent, an operation does not change any more.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::operation::{Change, Operation, Scope};
use crate::store::{Entry, Store};
use crate::task::{Fields, alike, from_members, member, texts};

/// One operation of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Sent {
    pub op_id: Uuid,
    pub op: Verb,
    pub task_id: Uuid,
    /// The version of the task that `fields` was made from; `None` for a create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_version: Option<u64>,
    /// The members of the task that it sets; `None` if its effect is not a matter of values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminder_id: Option<Uuid>,
    /// When it was done by the device's clock, RFC 3339.
    pub occurred_at: String,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Create,
    Update,
    Complete,
    Reopen,
    Skip,
    Delete,
    Restore,
    Reminders,
    Pause,
    Resume,
    Snooze,
    Ack,
}

from_members!(Sent {
    op_id,
    op,
    task_id,
    base_version,
    fields,
    scope,
    reminder_id,
    occurred_at
});

impl Sent {
    /// The operation as it is sent to a server whose state is `store`.
    pub fn new(operation: &Operation, store: &Store) -> Self {
        let entry = store.entry(&operation.task_id);
        Self {
            op_id: operation.op_id,
            op: verb(&operation.change),
            task_id: operation.task_id,
            base_version: base(operation, entry),
            fields: fields(operation, entry),
            scope: operation.scope,
            reminder_id: operation.change.reminder(),
            occurred_at: operation.at.clone(),
        }
    }
}

fn verb(change: &Change) -> Verb {
    match change {
        Change::Create(_) => Verb::Create,
        Change::Update(_) | Change::Tags { .. } => Verb::Update,
        Change::Reminders(_) => Verb::Reminders,
        Change::Complete => Verb::Complete,
        Change::Reopen => Verb::Reopen,
        Change::Skip => Verb::Skip,
        Change::Delete => Verb::Delete,
        Change::Restore => Verb::Restore,
        Change::Pause => Verb::Pause,
        Change::Resume => Verb::Resume,
        Change::Snooze { .. } => Verb::Snooze,
        Change::Ack { .. } => Verb::Ack,
    }
}

/// The base moves on to the newest version that still has all values that were seen: nothing unseen is overwritten from there, and
/// what this device has changed before is no conflict with itself. A deletion replaces the whole task, so its base stays.
fn base(operation: &Operation, entry: Option<&Entry>) -> Option<u64> {
    let newest = match (&operation.change, entry) {
        (Change::Create(_), _) => return None,
        (Change::Delete, _) | (_, None) => None,
        (Change::Restore, Some(entry)) => Some(entry.task.version),
        (Change::Tags { .. }, Some(entry)) => Some(entry.version),
        (_, Some(entry)) => {
            let seen = &mut operation.seen.iter();
            seen.all(|(name, value)| alike(entry.task.field(name), value))
                .then_some(entry.version)
        }
    };
    // A task that this queue has created has version 1.
    Some(newest.unwrap_or(operation.base).max(1))
}

fn fields(operation: &Operation, entry: Option<&Entry>) -> Option<Fields> {
    match &operation.change {
        Change::Create(fields) | Change::Update(fields) => Some(fields.clone()),
        change @ Change::Reminders(_) => change.sets(),
        change @ Change::Tags { .. } => {
            let seen = || texts(operation.seen.get("tags").unwrap_or(&Value::Null));
            let tags = change.tag(entry.map_or_else(seen, |entry| entry.task.tags()));
            Some(member("tags", tags))
        }
        Change::Snooze { until, .. } => Some(member("until", until.as_str())),
        Change::Complete
        | Change::Reopen
        | Change::Skip
        | Change::Delete
        | Change::Restore
        | Change::Pause
        | Change::Resume
        | Change::Ack { .. } => None,
    }
}

//! What a person does on this device: operations, and taking them back.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::Engine;
use crate::changes::Changes;
use crate::operation::{Change, Operation, Scope};
use crate::store::Entry;
use crate::task::{Fields, Task, from_members, member};

/// What a person does to a task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Edit {
    /// A new id, which no other operation has.
    pub op_id: Uuid,
    /// A new id for a create.
    pub task_id: Uuid,
    pub change: Change,
    /// The time by the device's clock, RFC 3339 in UTC.
    pub at: String,
    /// Of an update or a deletion, and ignored otherwise; without it, an update of what occurrences share is for those to come, too.
    pub scope: Option<Scope>,
}

from_members!(Edit {
    op_id,
    task_id,
    change,
    at,
    scope
});

/// Why an operation was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Exists,
    Unknown,
    Deleted,
    NotDeleted,
    /// Nothing to pause or resume: the task has no recurrence.
    NotRecurring,
    /// Occurrences to come move only with a recurrence, which begins with the due date.
    NeedsRecurrence,
    /// A recurrence begins with the due date.
    NeedsDue,
    /// A recurrence is not that of one occurrence alone.
    Shared,
    /// Tags and reminders are changed by operations of their own, so that tags of several devices add up.
    NotAnUpdate,
    NothingToUndo,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exists => "there is a task with this id",
            Self::Unknown => "there is no such task",
            Self::Deleted => "the task is deleted; restore it first",
            Self::NotDeleted => "the task is not deleted",
            Self::NotRecurring => "the task does not repeat",
            Self::NeedsRecurrence => "a due date of all occurrences to come needs their recurrence",
            Self::NeedsDue => "a task that repeats needs a due date",
            Self::Shared => "a recurrence is that of all occurrences to come",
            Self::NotAnUpdate => "an update cannot set tags and reminders",
            Self::NothingToUndo => "there is nothing to undo, or it was changed since",
        })
    }
}

impl std::error::Error for Refusal {}

impl Engine {
    /// Applies an operation to the view and queues it. An edit that changes nothing is not queued.
    ///
    /// # Errors
    /// The view has no task to which this can be done.
    pub fn edit(&mut self, edit: Edit) -> Result<Changes, Refusal> {
        let before = self.task(edit.task_id);
        check(&edit.change, before.as_ref())?;
        if let (Change::Update(fields), Some(task)) = (&edit.change, &before) {
            check_recurrence(fields, edit.scope, task)?;
        }
        let operation = self.operation(edit, before.as_ref());
        if changes_nothing(&operation, before.as_ref()) {
            return Ok(Changes::default());
        }
        self.history.record(&operation, before.as_ref());
        Ok(self.queued(operation))
    }

    /// Takes back the newest operation that was not taken back yet, with a new one. What was changed since by others stays.
    ///
    /// # Errors
    /// Nothing is left to take back of it.
    pub fn undo(&mut self, op_id: Uuid, at: String) -> Result<Changes, Refusal> {
        let step = self.history.pop().ok_or(Refusal::NothingToUndo)?;
        let task_id = step.task_id;
        let before = self.task(task_id).ok_or(Refusal::NothingToUndo)?;
        let scope = step.scope;
        let change = step.back(&before).ok_or(Refusal::NothingToUndo)?;
        let edit = Edit {
            op_id,
            task_id,
            change,
            at,
            scope,
        };
        let operation = self.operation(edit, Some(&before));
        Ok(self.queued(operation))
    }

    fn queued(&mut self, operation: Operation) -> Changes {
        let ids = vec![operation.task_id];
        self.observe(ids, |engine, changes| {
            changes.reminders.extend(operation.change.reminder());
            engine.queue.push(operation);
        })
    }

    /// The operation with its base. What is on its way hides what others change meanwhile, so the version it is based on counts then. Most
    /// of what has not been sent hides it, too, but brings it into the conflict log when it is sent.
    fn operation(&self, edit: Edit, before: Option<&Task>) -> Operation {
        let Edit {
            op_id,
            task_id,
            change,
            at,
            scope,
        } = edit;
        let mut change = change.effective(&before.map(Task::tags).unwrap_or_default());
        if let (Change::Update(fields), Some(task)) = (&mut change, before)
            && fields.get("recurrence").is_some_and(Value::is_object)
            && !fields.contains_key("due")
        {
            // A recurrence is sent with the due date that it begins with.
            fields.insert("due".to_owned(), task.field("due").clone());
        }
        let entry = self.store.entry(&task_id);
        let (base, seen) = match (&change, before) {
            (_, None) => (0, Fields::new()),
            (Change::Tags { .. }, Some(task)) => {
                let stored = entry.map_or(task, |entry| &entry.task);
                let base = entry.map_or(0, |entry| entry.version);
                (base, member("tags", stored.field("tags").clone()))
            }
            (change, Some(task)) => {
                let base = entry.map_or(0, Entry::seen);
                let hiding = self.queue.hiding_base(task_id);
                let sets = change.sets().unwrap_or_default();
                let seen = task.values(sets.keys());
                (hiding.map_or(base, |hiding| hiding.min(base)), seen)
            }
        };
        Operation {
            op_id,
            task_id,
            base,
            seen,
            at,
            // What takes a deletion back has none.
            scope: scope.filter(|_| change.has_scope()),
            change,
        }
    }
}

fn check(change: &Change, before: Option<&Task>) -> Result<(), Refusal> {
    match (change, before) {
        (Change::Create(_), Some(_)) => Err(Refusal::Exists),
        (Change::Create(_), None) => Ok(()),
        (_, None) => Err(Refusal::Unknown),
        (Change::Restore, Some(task)) if task.is_alive() => Err(Refusal::NotDeleted),
        (Change::Restore, Some(_)) => Ok(()),
        (_, Some(task)) if !task.is_alive() => Err(Refusal::Deleted),
        (Change::Pause | Change::Resume, Some(task)) if task.field("recurrence").is_null() => {
            Err(Refusal::NotRecurring)
        }
        (Change::Update(fields), Some(_)) => {
            let other = ["tags", "reminders"]
                .iter()
                .any(|name| fields.contains_key(*name));
            if other {
                Err(Refusal::NotAnUpdate)
            } else {
                Ok(())
            }
        }
        (_, Some(_)) => Ok(()),
    }
}

/// What the server would reject: a recurrence without a due date, or a scope that does not go with what is set.
fn check_recurrence(fields: &Fields, scope: Option<Scope>, task: &Task) -> Result<(), Refusal> {
    let later = |name: &str| fields.get(name).unwrap_or_else(|| task.field(name));
    let sets = |name: &str| fields.contains_key(name);
    match scope {
        _ if (sets("due") || sets("recurrence"))
            && later("due").is_null()
            && !later("recurrence").is_null() =>
        {
            Err(Refusal::NeedsDue)
        }
        Some(Scope::This) if sets("recurrence") => Err(Refusal::Shared),
        Some(Scope::Future | Scope::All) if sets("due") && !sets("recurrence") => {
            Err(Refusal::NeedsRecurrence)
        }
        _ => Ok(()),
    }
}

/// Whether the view is the same afterwards.
fn changes_nothing(operation: &Operation, before: Option<&Task>) -> bool {
    let Some(before) = before else { return false };
    match &operation.change {
        Change::Create(_) | Change::Delete | Change::Restore => false,
        Change::Pause | Change::Resume => {
            let is_paused = before.field("recurrence").get("paused_at");
            let is_paused = is_paused.is_some_and(|at| !at.is_null());
            is_paused == matches!(operation.change, Change::Pause)
        }
        // What the reminder is does not follow from the task.
        Change::Snooze { .. } | Change::Ack { .. } => false,
        Change::Tags { add, remove } => add.is_empty() && remove.is_empty(),
        change => {
            let mut sets = change.sets().into_iter().flatten();
            sets.all(|(name, value)| before.field(&name) == &value)
        }
    }
}

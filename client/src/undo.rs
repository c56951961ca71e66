//! Undo: for each operation of this device the change that takes it back.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::answer::Verdict;
use crate::operation::{Change, Operation, Scope};
use crate::task::{Fields, Task, alike, from_members, member};

/// How many operations can be taken back.
const KEPT: usize = 100;

/// The operations that can be taken back, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History(Vec<Step>);

/// One operation that can be taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Step {
    pub task_id: Uuid,
    /// The values that the operation has set. What has another value now was changed since, and stays.
    set: Fields,
    back: Change,
    /// That of the operation.
    pub scope: Option<Scope>,
}

from_members!(Step {
    task_id,
    set,
    back,
    scope
});

impl History {
    /// Remembers an operation; `before` is the task as it was seen before.
    pub fn record(&mut self, operation: &Operation, before: Option<&Task>) {
        let Some(back) = inverse(&operation.change, before) else {
            return;
        };
        let set = match &operation.change {
            Change::Create(_) => Fields::new(),
            change => change.sets().unwrap_or_default(),
        };
        self.0.push(Step {
            task_id: operation.task_id,
            set,
            back,
            scope: operation.scope,
        });
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    /// Takes the newest operation out.
    pub fn pop(&mut self) -> Option<Step> {
        self.0.pop()
    }

    /// What the server has made of the values that an operation has set, such as a trimmed title, counts as set by it.
    pub fn settle(&mut self, operation: &Operation, result: Verdict, task: &Task) {
        for step in &mut self.0 {
            if step.task_id == operation.task_id {
                substitute(&mut step.set, operation, result, task);
            }
        }
    }
}

impl Step {
    /// The change that takes the operation back from the task as it is now; `None` if nothing of it is left.
    pub fn back(self, now: &Task) -> Option<Change> {
        let mut set = self.set;
        set.retain(|name, value| alike(now.field(name), value));
        match self.back {
            Change::Update(mut old) => {
                // A due date that was set with a recurrence is where that begins. It goes back with it, or not at all.
                if old.contains_key("recurrence") && !set.contains_key("recurrence") {
                    set.remove("due");
                }
                old.retain(|name, _| set.contains_key(name));
                (now.is_alive() && !old.is_empty()).then_some(Change::Update(old))
            }
            Change::Restore => (!now.is_alive()).then_some(Change::Restore),
            back @ (Change::Delete | Change::Tags { .. } | Change::Pause | Change::Resume) => {
                now.is_alive().then_some(back)
            }
            back => (now.is_alive() && !set.is_empty()).then_some(back),
        }
    }
}

/// Where `values` has a value that the operation has set, it gets the one that the server has made of it. A description that was merged has
/// lines of others, too, and a status may be that of others: a task that they have completed is not skipped. The person had not seen those.
pub fn substitute(values: &mut Fields, operation: &Operation, result: Verdict, task: &Task) {
    for (name, value) in operation.change.sets().into_iter().flatten() {
        if result != Verdict::Applied && (name == "description" || name == "status") {
            continue;
        }
        if let Some(held) = values.get_mut(&name).filter(|held| alike(held, &value)) {
            *held = task.field(&name).clone();
        }
    }
}

/// The change that leads back to `before`.
fn inverse(change: &Change, before: Option<&Task>) -> Option<Change> {
    let Some(before) = before else {
        return Some(Change::Delete);
    };
    let status = before.field("status");
    let old = |name: &str| member(name, before.field(name).clone());
    Some(match change {
        Change::Create(_) | Change::Restore => Change::Delete,
        Change::Delete => Change::Restore,
        Change::Update(fields) => Change::Update(before.values(fields.keys())),
        Change::Tags { add, remove } => Change::Tags {
            add: remove.clone(),
            remove: add.clone(),
        },
        Change::Reminders(_) => match before.field("reminders") {
            Value::Array(list) => Change::Reminders(list.clone()),
            _ => Change::Reminders(Vec::new()),
        },
        Change::Complete | Change::Skip if status == "open" => Change::Reopen,
        Change::Reopen if status == "completed" => Change::Complete,
        Change::Complete | Change::Skip | Change::Reopen => Change::Update(old("status")),
        Change::Pause => Change::Resume,
        Change::Resume => Change::Pause,
        // Nobody can say when the reminder would have fired.
        Change::Snooze { .. } | Change::Ack { .. } => return None,
    })
}

//! What the person at a device does, and what they meant by it.

use client::engine::{Edit, Refusal};
use client::operation::Change;
use client::task::{Task, texts};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::device::Device;
use crate::server::VALUES;

/// A value that a person has changed on purpose.
#[derive(Debug, Clone)]
pub struct Intent {
    pub task: Uuid,
    pub field: String,
    /// What they saw before.
    pub saw: Value,
    pub new: Value,
}

/// An operation that can be undone: its task before and after.
pub type Done = (Task, Task);

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Create,
    Title,
    TwoValues,
    Tag,
    Untag,
    Reminders,
    Complete,
    Reopen,
    Skip,
    Delete,
    Restore,
}

const AT: &str = "2026-03-01T09:00:00Z";

impl Device {
    /// Does something to one of the tasks on the screen.
    pub fn act(&mut self, act: Act, choice: usize) {
        let op_id = self.id();
        let text = |what: &str| json!(format!("{what} {:x}", op_id.as_u128()));
        if act == Act::Create {
            let mut fields = json!({"title": text("task"), "tags": ["home"]});
            if choice.is_multiple_of(3) {
                fields["recurrence"] = json!({"rule": "FREQ=DAILY"});
            }
            let task_id = self.id();
            let change = Change::Create(fields.as_object().unwrap().clone());
            return self.edit(op_id, task_id, change);
        }
        let wanted = |task: &&Task| task.is_alive() == (act != Act::Restore);
        let tasks: Vec<&Task> = self.screen.tasks.values().filter(wanted).collect();
        if tasks.is_empty() {
            return;
        }
        // People like a few tasks best.
        let task = tasks[(choice / 7) % tasks.len().min(3)];
        let fields = |value: Value| value.as_object().unwrap().clone();
        let tags = task.tags();
        let change = match act {
            Act::Create => unreachable!("done above"),
            // The server trims it.
            Act::Title => Change::Update(fields(
                json!({"title": format!("{} ", text("title").as_str().unwrap())}),
            )),
            Act::TwoValues => Change::Update(fields(
                json!({"description": text("text"), "priority": text("priority")}),
            )),
            Act::Tag => Change::Tags {
                add: vec![text("tag").as_str().unwrap().to_owned()],
                remove: vec![],
            },
            Act::Untag => Change::Tags {
                add: vec![],
                remove: tags.iter().take(choice % 3).cloned().collect(),
            },
            Act::Reminders if choice.is_multiple_of(3) => Change::Reminders(vec![]),
            Act::Reminders => Change::Reminders(vec![json!({"before": text("PT")})]),
            Act::Complete => Change::Complete,
            Act::Reopen => Change::Reopen,
            Act::Skip => Change::Skip,
            Act::Delete => Change::Delete,
            Act::Restore => Change::Restore,
        };
        self.edit(op_id, task.id, change);
    }

    fn edit(&mut self, op_id: Uuid, task_id: Uuid, change: Change) {
        let (before, had_pending) = (self.engine.task(task_id), self.has_pending(task_id));
        let deletes = change == Change::Delete;
        let edit = Edit {
            op_id,
            task_id,
            change,
            at: AT.to_owned(),
            scope: None,
        };
        let changes = self.engine.edit(edit).unwrap();
        self.saw(changes);
        let after = self.engine.task(task_id).unwrap();
        let Some(before) = before else {
            let nothing = Task {
                deleted_at: Some(String::new()),
                fields: Default::default(),
                ..after.clone()
            };
            self.meant(&nothing, &after);
            return self.undoable.push((nothing, after));
        };
        if before == after {
            return;
        }
        if deletes {
            self.asked_to_delete
                .push((op_id, before.clone(), had_pending));
        }
        self.meant(&before, &after);
        self.undoable.push((before, after));
        if self.undoable.len() > 100 {
            self.undoable.remove(0);
        }
    }

    fn has_pending(&self, task: Uuid) -> bool {
        self.engine
            .pending()
            .iter()
            .any(|operation| operation.task_id == task)
    }

    fn meant(&mut self, before: &Task, after: &Task) {
        for field in VALUES.iter().copied().chain(["tags"]) {
            let (saw, new) = (before.field(field).clone(), after.field(field).clone());
            if saw != new {
                self.intents.push(Intent {
                    task: after.id,
                    field: field.to_owned(),
                    saw,
                    new,
                });
            }
        }
    }

    /// Undoes the last operation. What nobody has changed since is as it was before.
    pub fn undo(&mut self) {
        let done = self.undoable.pop();
        let op_id = self.id();
        let now = done
            .as_ref()
            .and_then(|(_, after)| self.engine.task(after.id));
        let had_pending = now.as_ref().is_some_and(|now| self.has_pending(now.id));
        let pending = self.engine.pending().len();
        let changes = match self.engine.undo(op_id, AT.to_owned()) {
            Ok(changes) => changes,
            Err(refusal) => return assert_eq!(refusal, Refusal::NothingToUndo),
        };
        self.saw(changes);
        let ((before, after), now) = (done.unwrap(), now.unwrap());
        let undone = self.engine.task(now.id).unwrap();
        let is_queued = self.engine.pending().len() > pending;
        let stored = self
            .engine
            .store()
            .entry(&now.id)
            .map(|entry| entry.task.clone());
        for field in VALUES {
            // What was not sent yet is only dropped, and then shows what others have written meanwhile.
            let beneath = stored.as_ref().map(|task| task.field(field).clone());
            let set = before.field(field) != after.field(field);
            if set && same(now.field(field), after.field(field)) && before.is_alive() {
                assert!(
                    same(undone.field(field), before.field(field))
                        || beneath.as_ref() == Some(undone.field(field)),
                    "undo restores {field}: {undone:?}"
                );
            } else {
                assert_eq!(undone.field(field), now.field(field), "undo leaves {field}");
            }
        }
        for tag in texts(before.field("tags")) {
            let was_removed = before.is_alive() && !after.tags().contains(&tag);
            let is_back = undone.tags().contains(&tag) || !is_queued;
            assert!(!was_removed || is_back, "undo restores the tag {tag}");
        }
        if before.is_alive() != after.is_alive() && is_queued {
            assert_eq!(
                undone.is_alive(),
                before.is_alive(),
                "undo restores a deletion, or deletes again"
            );
        }
        if now.is_alive() && !undone.is_alive() {
            self.asked_to_delete.push((op_id, now.clone(), had_pending));
        }
        let mut meant = undone.clone();
        for field in VALUES {
            if undone.field(field) != now.field(field) {
                meant
                    .fields
                    .insert(field.to_owned(), before.field(field).clone());
            }
        }
        self.meant(&now, &meant);
    }
}

/// Whether two values are the same to the server, which trims titles.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.trim() == other.trim(),
        _ => one == other,
    }
}

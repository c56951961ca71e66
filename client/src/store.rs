//! The store: what the server has said. Each item has the number of the change that made it, and an older state never replaces a newer
//! one. So pages, live messages and results may come in any order, and more than once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::changes::Changes;
use crate::task::{Fields, Item, Task, from_members};

/// Changes of a user's data, from a page, a live message or results.
#[derive(Debug, Default)]
pub struct Delta {
    /// Tasks and tombstones.
    pub changes: Vec<Task>,
    pub series: Vec<Item>,
    pub reminders: Vec<Item>,
    pub notifications: Vec<Item>,
    /// The settings of the account; `None` if they have not changed.
    pub account: Option<Value>,
}

/// What the server has said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Store {
    /// Where the next page begins.
    pub cursor: Option<String>,
    /// The number up to which all changes are here.
    pub seq: u64,
    tasks: BTreeMap<Uuid, Entry>,
    series: BTreeMap<Uuid, Item>,
    reminders: BTreeMap<Uuid, Item>,
    notifications: BTreeMap<Uuid, Item>,
    account: Account,
}

/// A task or a tombstone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Entry {
    /// The newest state. A deleted task keeps the members that it had, as far as they are known.
    pub task: Task,
    /// The version that has these members, that is, the one before the deletion if the task is deleted; 0 if they are not known.
    pub version: u64,
}

impl Entry {
    /// The newest version of which everything is known. A deletion may have followed edits that nobody has told of.
    pub fn seen(&self) -> u64 {
        if self.task.version == self.version + 1 {
            self.task.version
        } else {
            self.version
        }
    }

    /// The task, unless nothing but its deletion is known.
    pub fn known(&self) -> Option<&Task> {
        (self.version > 0).then_some(&self.task)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
struct Account {
    seq: u64,
    settings: Option<Value>,
}

from_members!(Store {
    cursor,
    seq,
    tasks,
    series,
    reminders,
    notifications,
    account
});

from_members!(Entry { task, version });

from_members!(Account { seq, settings });

impl Store {
    /// A task, alive or deleted.
    pub fn entry(&self, id: &Uuid) -> Option<&Entry> {
        self.tasks.get(id)
    }

    /// All tasks, alive or deleted.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.tasks.values()
    }

    pub fn series(&self) -> &BTreeMap<Uuid, Item> {
        &self.series
    }

    pub fn reminders(&self) -> &BTreeMap<Uuid, Item> {
        &self.reminders
    }

    pub fn notifications(&self) -> &BTreeMap<Uuid, Item> {
        &self.notifications
    }

    /// The settings of the account; `None` before the first pull.
    pub fn account(&self) -> Option<&Value> {
        self.account.settings.as_ref()
    }

    /// Takes in what is newer. `seq` is the number of the changes, or the highest one.
    pub fn absorb(&mut self, seq: u64, delta: Delta, changes: &mut Changes) {
        let lists_move = !delta.changes.is_empty() || !delta.reminders.is_empty();
        for task in delta.changes {
            self.put(task);
        }
        put_all(&mut self.series, delta.series, &mut changes.series);
        put_all(&mut self.reminders, delta.reminders, &mut changes.reminders);
        put_all(
            &mut self.notifications,
            delta.notifications,
            &mut changes.notifications,
        );
        if let Some(settings) = delta.account {
            let seq = settings.get("seq").and_then(Value::as_u64).unwrap_or(seq);
            if seq >= self.account.seq {
                let settings = Some(settings);
                changes.account |= self.account.settings != settings;
                self.account = Account { seq, settings };
            }
        }
        if lists_move {
            self.drop_unlisted(changes);
        }
    }

    fn put(&mut self, mut task: Task) {
        let held = self.tasks.get(&task.id);
        if held.is_some_and(|held| held.task.seq >= task.seq) {
            return;
        }
        let version = match (task.is_alive(), held) {
            (true, _) => task.version,
            (false, Some(held)) => {
                task.fields.clone_from(&held.task.fields);
                held.version
            }
            (false, None) => 0,
        };
        self.tasks.insert(task.id, Entry { task, version });
    }

    /// Notes the deletion of a version whose number is not known yet, so the next state of the task replaces it. A newer version is what
    /// came after it.
    pub fn bury(&mut self, id: Uuid, version: u64, at: &str) {
        let held = self.tasks.get_mut(&id);
        if let Some(entry) = held.filter(|entry| entry.task.version <= version) {
            entry.task.deleted_at.get_or_insert_with(|| at.to_owned());
        }
    }

    /// A task lists all its reminders, so one that it does not list any more is gone, and a tombstone takes all with it.
    fn drop_unlisted(&mut self, changes: &mut Changes) {
        let tasks = &self.tasks;
        self.reminders.retain(|id, reminder| {
            let stays = is_listed(tasks, reminder);
            if !stays {
                changes.reminders.insert(*id);
            }
            stays
        });
    }

    /// Forgets tombstones and notifications from before these times (RFC 3339, UTC, as the server writes them). The server has forgotten
    /// them after 30 and 90 days.
    pub fn forget(&mut self, deleted_before: &str, notified_before: &str, changes: &mut Changes) {
        let is_old = |at: Option<&str>, limit: &str| at.is_some_and(|at| at < limit);
        self.tasks
            .retain(|_, entry| !is_old(entry.task.deleted_at.as_deref(), deleted_before));
        self.notifications.retain(|id, notification| {
            let at = notification
                .fields
                .get("created_at")
                .and_then(Value::as_str);
            let goes = is_old(at, notified_before);
            if goes {
                changes.notifications.insert(*id);
            }
            !goes
        });
    }
}

fn put_all(held: &mut BTreeMap<Uuid, Item>, new: Vec<Item>, changed: &mut BTreeSet<Uuid>) {
    for item in new {
        if held.get(&item.id).is_none_or(|held| held.seq < item.seq) {
            changed.insert(item.id);
            held.insert(item.id, item);
        }
    }
}

/// Whether the task of a reminder has it. A task that is older than the reminder cannot tell.
fn is_listed(tasks: &BTreeMap<Uuid, Entry>, reminder: &Item) -> bool {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let task = text(reminder.fields.get("task_id")).and_then(|id| Uuid::parse_str(&id).ok());
    let Some(entry) = task.and_then(|id| tasks.get(&id)) else {
        return true;
    };
    let list = entry
        .task
        .field("reminders")
        .as_array()
        .into_iter()
        .flatten();
    let mut ids = list.map(|listed| text(listed.get("id")));
    let id = Some(reminder.id.to_string());
    entry.task.seq < reminder.seq || (entry.task.is_alive() && ids.any(|listed| listed == id))
}

//! What the person at a device does, and what they meant by it.

use client::engine::{Edit, Refusal};
use client::operation::{Change, Scope};
use client::task::{Fields, Task, texts};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::person::Person;
use crate::server::VALUES;

/// A value that a person has changed on purpose.
#[derive(Debug, Clone)]
pub struct Intent {
    pub task: Uuid,
    pub field: String,
    /// What they saw before.
    pub saw: Value,
    pub new: Value,
    /// The operation that was to bring it to the server. `None` if it only led back to what was there.
    pub op_id: Option<Uuid>,
}

/// An operation that can be undone: its task before and after, and which occurrences it was for.
pub type Done = (Task, Task, Option<Scope>);

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Create,
    Title,
    /// One line of the description.
    Line,
    TwoValues,
    Tag,
    Untag,
    Reminders,
    Complete,
    Reopen,
    Skip,
    Delete,
    Restore,
    /// Another rule, perhaps with another due date.
    Repeat,
    /// No recurrence any more.
    Once,
    Pause,
    Resume,
    Snooze,
    Ack,
}

/// How often people do it.
pub const ACTS: [(u64, Act); 18] = [
    (4, Act::Create),
    (12, Act::Title),
    (6, Act::Line),
    (6, Act::TwoValues),
    (8, Act::Tag),
    (5, Act::Untag),
    (4, Act::Reminders),
    (4, Act::Complete),
    (3, Act::Reopen),
    (1, Act::Skip),
    (4, Act::Delete),
    (2, Act::Restore),
    (4, Act::Repeat),
    (1, Act::Once),
    (1, Act::Pause),
    (1, Act::Resume),
    (2, Act::Snooze),
    (2, Act::Ack),
];

/// The clock of a device, RFC 3339 in UTC.
#[derive(Clone, Debug)]
pub struct Clock {
    pub now: String,
    /// A moment later, for reminders that fire soon.
    pub soon: String,
}

const PRIORITIES: [&str; 4] = ["low", "medium", "high", "urgent"];

impl Person {
    /// Does something to one of the tasks on the screen.
    pub fn act(&mut self, act: Act, choice: usize, clock: &Clock) {
        let op_id = self.id();
        if act == Act::Create {
            let fields = self.new_task(choice);
            let task_id = self.id();
            return self.edit(op_id, task_id, Change::Create(fields), None, clock);
        }
        // An app offers only what makes sense: to skip an open task that recurs, and to pause or end what recurs. Another device may have ended that.
        let wanted = |task: &&Task| {
            let recurs = !task.field("recurrence").is_null();
            let makes_sense = match act {
                Act::Skip => (recurs || choice.is_multiple_of(8)) && task.field("status") == "open",
                Act::Pause | Act::Resume | Act::Once => recurs,
                _ => true,
            };
            task.is_alive() == (act != Act::Restore) && makes_sense
        };
        let tasks: Vec<&Task> = self.screen.tasks.values().filter(wanted).collect();
        if tasks.is_empty() {
            return;
        }
        // People like a few tasks best.
        let task = tasks[(choice / 7) % tasks.len().min(3)];
        let (id, tags) = (task.id, task.tags());
        let scope = scope(act, task, choice);
        let text = |what: &str| self.text(what);
        let change = match act {
            Act::Create => unreachable!("done above"),
            // The server trims it.
            Act::Title => Change::Update(fields(json!({"title": text("title") + " "}))),
            Act::Line => {
                let description = task.field("description").as_str().unwrap_or_default();
                let mut lines: Vec<String> = description.split('\n').map(str::to_owned).collect();
                let place = choice % lines.len();
                lines[place] = text("line");
                Change::Update(fields(json!({"description": lines.join("\n")})))
            }
            Act::TwoValues => Change::Update(fields(
                json!({"due": {"date": self.date()}, "priority": PRIORITIES[choice % 4]}),
            )),
            Act::Tag => Change::Tags {
                add: vec![text("tag")],
                remove: vec![],
            },
            Act::Untag => Change::Tags {
                add: vec![],
                remove: tags.iter().take(choice % 3).cloned().collect(),
            },
            Act::Reminders => Change::Reminders(match choice % 3 {
                0 => vec![],
                1 => vec![json!({"at": clock.soon})],
                _ => vec![json!({"before": format!("PT{}M", self.made % 59 + 1)})],
            }),
            Act::Complete => Change::Complete,
            Act::Reopen => Change::Reopen,
            Act::Skip => Change::Skip,
            Act::Delete => Change::Delete,
            Act::Restore => Change::Restore,
            Act::Repeat => {
                let mut repeat = json!({"recurrence": {"rule": self.rule()}});
                if task.field("due").is_null() || choice.is_multiple_of(3) {
                    repeat["due"] = json!({"date": self.date()});
                }
                Change::Update(fields(repeat))
            }
            Act::Once => Change::Update(fields(json!({"recurrence": null}))),
            Act::Pause => Change::Pause,
            Act::Resume => Change::Resume,
            Act::Snooze | Act::Ack => {
                let of_task = Some(id.to_string());
                let mut reminders = self.engine.reminders();
                let found = reminders.find(|reminder| {
                    let task = reminder.fields.get("task_id").and_then(Value::as_str);
                    task.map(str::to_owned) == of_task
                });
                let Some(reminder) = found else { return };
                match act {
                    Act::Snooze => Change::Snooze {
                        reminder_id: reminder.id,
                        until: clock.soon.clone(),
                    },
                    _ => Change::Ack {
                        reminder_id: reminder.id,
                    },
                }
            }
        };
        self.edit(op_id, id, change, scope, clock);
    }

    /// A text that nobody else writes.
    fn text(&self, what: &str) -> String {
        format!("{what} {}.{}", self.number, self.made)
    }

    /// A date that nobody else sets.
    fn date(&self) -> String {
        let day = self.number as u128 * 1_500 + self.made % 1_500;
        let (year, month) = (2030 + day / 336, day / 28 % 12 + 1);
        format!("{year}-{month:02}-{:02}", day % 28 + 1)
    }

    /// A rule that nobody else sets, and that never ends here.
    fn rule(&self) -> String {
        let count = (self.number as u128 + 1) * 100_000 + self.made;
        format!("FREQ=DAILY;COUNT={count}")
    }

    fn new_task(&self, choice: usize) -> Fields {
        let mut task = json!({"title": self.text("task"), "tags": ["home"], "description": "one\ntwo\nthree\nfour"});
        if choice.is_multiple_of(3) {
            task["due"] = json!({"date": self.date()});
            task["recurrence"] = json!({"rule": "FREQ=DAILY"});
        }
        fields(task)
    }

    fn edit(
        &mut self,
        op_id: Uuid,
        task_id: Uuid,
        change: Change,
        scope: Option<Scope>,
        clock: &Clock,
    ) {
        let (before, had_pending) = (self.engine.task(task_id), self.has_pending(task_id));
        let deletes = change == Change::Delete;
        let sets = match &change {
            Change::Update(fields) => fields.clone(),
            _ => Fields::new(),
        };
        let edit = Edit {
            op_id,
            task_id,
            change,
            at: clock.now.clone(),
            scope,
        };
        let changes = self.engine.edit(edit).unwrap();
        self.scopes.insert(op_id, scope);
        self.saw(changes);
        let after = self.engine.task(task_id).unwrap();
        let Some(before) = before else {
            let nothing = Task {
                deleted_at: Some(String::new()),
                fields: Default::default(),
                ..after.clone()
            };
            self.meant(&nothing, &after);
            return self.undoable.push((nothing, after, scope));
        };
        if before == after {
            return;
        }
        if deletes {
            let mut pending = self.engine.pending().iter();
            assert!(
                scope.is_none() || pending.any(|operation| operation.op_id == op_id),
                "a deletion of {scope:?} is not queued"
            );
            self.asked_to_delete
                .push((op_id, before.clone(), had_pending));
        }
        // What leads back to the value before shows what others have written beneath.
        let mut meant = after.clone();
        meant.fields.extend(sets);
        self.meant(&before, &meant);
        self.undoable.push((before, after, scope));
        if self.undoable.len() > 100 {
            self.undoable.remove(0);
        }
    }

    fn meant(&mut self, before: &Task, after: &Task) {
        let mut pending = self.engine.pending().iter().rev();
        let last = pending.find(|operation| operation.task_id == after.id);
        let op_id = last.map(|operation| operation.op_id);
        let (old_rule, new_rule) = (before.field("recurrence"), after.field("recurrence"));
        // A recurrence is sent with the due date that it begins with.
        let begins = !same(old_rule, new_rule) && new_rule.is_object();
        for field in VALUES.iter().copied().chain(["tags"]) {
            let (saw, new) = (before.field(field).clone(), after.field(field).clone());
            // What a pause changes of a recurrence is no value.
            let is_pause = field == "recurrence" && same(&saw, &new);
            if saw != new && !is_pause || field == "due" && begins {
                self.intents.push(Intent {
                    task: after.id,
                    field: field.to_owned(),
                    saw,
                    new,
                    op_id,
                });
            }
        }
    }

    /// Undoes the last operation. What nobody has changed since is as it was before.
    pub fn undo(&mut self, clock: &Clock) {
        let done = self.undoable.pop();
        let op_id = self.id();
        let now = done
            .as_ref()
            .and_then(|(_, after, _)| self.engine.task(after.id));
        let had_pending = now.as_ref().is_some_and(|now| self.has_pending(now.id));
        let pending = self.engine.pending().len();
        let changes = match self.engine.undo(op_id, clock.now.clone()) {
            Ok(changes) => changes,
            Err(refusal) => return assert_eq!(refusal, Refusal::NothingToUndo),
        };
        self.saw(changes);
        let ((before, after, scope), now) = (done.unwrap(), now.unwrap());
        self.scopes.insert(op_id, scope);
        let undone = self.engine.task(now.id).unwrap();
        let is_queued = self.engine.pending().len() > pending;
        let stored = self
            .engine
            .store()
            .entry(&now.id)
            .map(|entry| entry.task.clone());
        let sets_rule = !same(before.field("recurrence"), after.field("recurrence"));
        let is_other_rule = !same(undone.field("recurrence"), before.field("recurrence"));
        for field in VALUES {
            // What was not sent yet is only dropped, and then shows what others have written meanwhile.
            let beneath = stored.as_ref().map(|task| task.field(field).clone());
            let is_sent_along =
                field == "due" && sets_rule && after.field("recurrence").is_object();
            let set = is_sent_along || !same(before.field(field), after.field(field));
            // A due date that was set with a recurrence stays if others have changed that. So does a recurrence that was paused.
            let may_stay = sets_rule && is_other_rule && (field == "due" || field == "recurrence");
            if may_stay && same(undone.field(field), now.field(field)) {
                continue;
            }
            if set && same(now.field(field), after.field(field)) && before.is_alive() {
                assert!(
                    same(undone.field(field), before.field(field))
                        || beneath.as_ref() == Some(undone.field(field)),
                    "undo restores {field}: {undone:?}"
                );
            } else {
                assert!(
                    same(undone.field(field), now.field(field)),
                    "undo leaves {field}: {undone:?}, it was {now:?}"
                );
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
            if !same(undone.field(field), now.field(field)) {
                meant
                    .fields
                    .insert(field.to_owned(), before.field(field).clone());
            }
        }
        self.meant(&now, &meant);
    }
}

/// Which occurrences an edit is for. An app asks only where a task recurs. One date is not that of other occurrences, and a rule is not that of
/// one.
fn scope(act: Act, task: &Task, choice: usize) -> Option<Scope> {
    let all = [
        None,
        Some(Scope::This),
        Some(Scope::Future),
        Some(Scope::All),
    ];
    let recurs = !task.field("recurrence").is_null();
    match (act, all[choice / 64 % all.len()]) {
        (Act::Title | Act::Line | Act::Tag | Act::Untag | Act::Delete, scope) if recurs => scope,
        (Act::TwoValues, scope @ Some(Scope::This)) if recurs => scope,
        (Act::Repeat | Act::Once, scope) if recurs && scope != Some(Scope::This) => scope,
        _ => None,
    }
}

/// Whether two values are the same to the server, which trims titles. Of a recurrence the rule counts: it has members that the server adds.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) if one.contains_key("rule") => {
            one.get("rule") == other.get("rule")
        }
        (Value::String(one), Value::String(other)) => one.trim() == other.trim(),
        _ => one == other,
    }
}

fn fields(value: Value) -> Fields {
    value.as_object().cloned().unwrap_or_default()
}

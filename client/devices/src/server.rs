//! The model of the server: one user's data, changed by one operation at a time, as `POST /api/sync` does it.

use std::collections::{BTreeMap, BTreeSet};

use domain::json::Json;
use domain::offline::Push;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::feed::Feed;
use crate::series::{series_of, stored_recurrence};

/// The members that a write can set and that are compared by value.
pub const VALUES: [&str; 6] = [
    "title",
    "description",
    "priority",
    "status",
    "due",
    "recurrence",
];

/// One user's data.
#[derive(Default)]
pub struct Server {
    pub seq: u64,
    pub tasks: BTreeMap<Uuid, Record>,
    pub series: BTreeMap<Uuid, Value>,
    pub reminders: BTreeMap<Uuid, Value>,
    pub notifications: BTreeMap<Uuid, Value>,
    pub account: Value,
    pub feed: Feed,
    /// The operations that were done: their content, and the results.
    pub answers: BTreeMap<String, (Value, Value)>,
    pub writes: Vec<Write>,
    pub deletions: Vec<Deletion>,
    /// Occurrences that were taken back and made anew, from what the series has then.
    pub remade: BTreeSet<Uuid>,
    /// The operations that say which occurrences of a series they are for, or could say it: what they say, as it was sent.
    pub scopes: BTreeMap<String, Value>,
    made: u128,
}

/// A task with what merging needs to know.
#[derive(Clone, Default)]
pub struct Record {
    /// As the API writes it.
    pub task: Map<String, Value>,
    /// The task of each version.
    pub versions: BTreeMap<u64, Map<String, Value>>,
    /// The device of each version.
    pub authors: BTreeMap<u64, usize>,
    /// The versions in which a pause has changed the recurrence. That is no change of the rule.
    pub pauses: BTreeSet<u64>,
}

/// A value that an operation has set.
#[derive(Debug)]
pub struct Write {
    pub device: usize,
    pub op_id: String,
    pub task: Uuid,
    pub field: String,
    /// The value that the operation brought.
    pub wanted: Value,
    /// The value after it, and the one before it.
    pub value: Value,
    pub replaced: Value,
    /// Whether the value after it has both sides' changes.
    pub merged: bool,
    /// Whether the conflict log has the replaced value.
    pub logged: bool,
}

/// A deletion that a device asked for.
pub struct Deletion {
    pub op_id: String,
    pub before: Record,
    pub done: bool,
}

impl Write {
    /// What a device has set, and what was there before.
    pub fn new(device: usize, op: &Value, field: &str, wanted: Value, replaced: Value) -> Self {
        let text = |name: &str| op[name].as_str().unwrap().to_owned();
        Self {
            device,
            op_id: text("op_id"),
            task: Uuid::parse_str(&text("task_id")).unwrap(),
            field: field.to_owned(),
            value: wanted.clone(),
            wanted,
            replaced,
            merged: false,
            logged: false,
        }
    }
}

impl Record {
    pub fn version(&self) -> u64 {
        self.task["version"].as_u64().unwrap()
    }

    /// Whether it is an open occurrence of a series.
    pub fn is_open_occurrence(&self) -> bool {
        let is_open = self.task["status"] == "open" || self.task["status"] == "in_progress";
        is_open && !self.task["recurrence"].is_null()
    }

    /// Whether it follows another occurrence of its series, from which it has its values.
    pub fn is_next(&self) -> bool {
        // Later it may begin a series of its own.
        let first = self.versions.values().next().unwrap_or(&self.task);
        let number = first.get("occurrence_number").and_then(Value::as_u64);
        first.contains_key("occurrence_of") || number > Some(1)
    }

    pub fn is_alive(&self) -> bool {
        self.task["deleted_at"].is_null()
    }
}

impl Server {
    /// A new id.
    pub fn id(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(self.made)
    }

    /// Does a batch of a device and returns the body of the answer.
    pub fn push(&mut self, device: usize, operations: &[Value]) -> Value {
        assert!(
            operations.len() <= 100,
            "a batch has at most 100 operations"
        );
        let body = json!({ "operations": operations }).to_string();
        let body = Json::parse(body.as_bytes()).unwrap();
        for parsed in Push::parse(body).unwrap().operations {
            assert!(
                parsed.operation.is_ok(),
                "the API does not take an operation: {parsed:?} of {operations:?}"
            );
        }
        let results: Vec<Value> = operations.iter().map(|op| self.once(device, op)).collect();
        json!({"results": results, "cursor": "of no use"})
    }

    /// Does an operation, or answers as before if it was done before.
    fn once(&mut self, device: usize, op: &Value) -> Value {
        let id = op["op_id"].as_str().unwrap().to_owned();
        if let Some((content, result)) = self.answers.get(&id) {
            assert_eq!(content, op, "an operation is sent again unchanged");
            return result.clone();
        }
        let mut result = self
            .operate(device, op)
            .unwrap_or_else(|why| json!({"result": "rejected", "problem": {"title": why}}));
        result["op_id"] = op["op_id"].clone();
        self.answers.insert(id, (op.clone(), result.clone()));
        result
    }

    /// Does an operation.
    ///
    /// # Errors
    /// Why it is rejected.
    pub fn operate(&mut self, device: usize, op: &Value) -> Result<Value, &'static str> {
        let id = Uuid::parse_str(op["task_id"].as_str().unwrap()).unwrap();
        if op["op"] == "create" {
            return self.create(device, id, op);
        }
        if op["op"] == "update" || op["op"] == "delete" {
            let op_id = op["op_id"].as_str().unwrap().to_owned();
            self.scopes.insert(op_id, op["scope"].clone());
        }
        let record = self.tasks.get(&id).cloned().ok_or("no such task")?;
        let base = op["base_version"].as_u64().ok_or("no base_version")?;
        if base > record.version() {
            return Err("a version from the future");
        }
        match op["op"].as_str().unwrap() {
            "pause" | "resume" => self.pause(device, id, op),
            "snooze" | "ack" => self.answer_reminder(id, op),
            "delete" => Ok(self.delete(device, id, base, op)),
            "restore" => {
                if !record.is_alive() {
                    self.bring_back(device, id);
                }
                let result = if base == record.version() {
                    "applied"
                } else {
                    "merged"
                };
                Ok(json!({"result": result, "task": self.tasks[&id].task}))
            }
            _ if !record.is_alive() && base >= record.version() => Err("it is deleted"),
            "skip" if record.task["recurrence"].is_null() => Err("it does not recur"),
            _ => Ok(self.merge(device, id, record, base, op)),
        }
    }

    fn create(&mut self, device: usize, id: Uuid, op: &Value) -> Result<Value, &'static str> {
        if self.tasks.contains_key(&id) {
            return Err("it exists");
        }
        let mut task = json!({
            "id": id, "version": 0, "seq": 0, "deleted_at": null, "completed_at": null, "status": "open", "title": "", "description": "",
            "priority": "medium", "tags": [], "reminders": [], "series_id": null, "due": null, "recurrence": null,
        });
        let mut fields = op["fields"].as_object().unwrap().clone();
        fields.retain(|name, value| {
            normalise(name, value);
            true
        });
        if fields.get("recurrence").is_some_and(Value::is_object) {
            let series = self.id();
            task["series_id"] = json!(series);
            let recurrence = stored_recurrence(&fields["recurrence"], &fields["due"], &Value::Null);
            fields.insert("recurrence".into(), recurrence);
            let mut first = task.as_object().unwrap().clone();
            first.extend(fields.clone());
            let mut item = series_of(series, &first);
            item["seq"] = json!(self.seq + 1);
            self.series.insert(series, item);
        }
        self.tasks.insert(
            id,
            Record {
                task: task.as_object().unwrap().clone(),
                ..Record::default()
            },
        );
        let names: Vec<String> = fields.keys().cloned().collect();
        self.commit(device, id, Value::from(fields), &names);
        for field in VALUES {
            let value = self.tasks[&id].task[field].clone();
            if !value.is_null() {
                self.writes
                    .push(Write::new(device, op, field, value, Value::Null));
            }
        }
        Ok(json!({"result": "applied", "task": self.tasks[&id].task}))
    }

    /// A deletion gives way to an edit that it did not know.
    fn delete(&mut self, device: usize, id: Uuid, base: u64, op: &Value) -> Value {
        let before = self.tasks[&id].clone();
        let done = before.is_alive() && base == before.version();
        if before.is_alive() {
            let op_id = op["op_id"].as_str().unwrap().to_owned();
            self.deletions.push(Deletion {
                op_id,
                before: before.clone(),
                done,
            });
        }
        if done {
            self.leave(device, id, op);
        }
        let result = match (base == before.version(), before.is_alive()) {
            (true, _) => "applied",
            (false, true) => "conflict",
            (false, false) => "merged",
        };
        if !self.tasks[&id].is_alive() {
            return json!({ "result": result });
        }
        let lost = json!({"field": "deleted", "theirs": false, "yours": true});
        json!({"result": result, "task": self.tasks[&id].task, "conflicts": [lost]})
    }

    /// Changes a task: one version, one number, one message.
    pub fn commit(&mut self, device: usize, id: Uuid, fields: Value, touched: &[String]) {
        self.seq += 1;
        let record = self.tasks.get_mut(&id).unwrap();
        let version = record.version() + 1;
        let was_deleted = !record.is_alive();
        record.task.extend(fields.as_object().unwrap().clone());
        record.task.insert("version".into(), version.into());
        record.task.insert("seq".into(), self.seq.into());
        record.authors.insert(version, device);
        if was_deleted || touched.iter().any(|name| name == "reminders") {
            self.set_reminders(id);
        }
        let record = self.tasks.get_mut(&id).unwrap();
        record.versions.insert(version, record.task.clone());
        let message = if record.is_alive() {
            json!({"type": "changed", "seq": self.seq, "task": record.task})
        } else {
            self.reminders.retain(|_, r| r["task_id"] != json!(id));
            let gone = &record.task["deleted_at"];
            json!({"type": "gone", "seq": self.seq, "id": id, "version": version, "deleted_at": gone})
        };
        self.feed.publish(self.seq, message);
    }

    /// Makes the reminders that the task lists now. They have the task's number and no message.
    fn set_reminders(&mut self, id: Uuid) {
        self.reminders.retain(|_, r| r["task_id"] != json!(id));
        let list = self.tasks[&id].task["reminders"]
            .as_array()
            .unwrap()
            .clone();
        let mut listed = Vec::new();
        for item in list {
            let known = item["id"].as_str().map(|id| Uuid::parse_str(id).unwrap());
            let reminder = known.unwrap_or_else(|| self.id());
            let made = json!({"id": reminder, "task_id": id, "seq": self.seq, "before": item["before"], "state": "waiting"});
            self.reminders.insert(reminder, made);
            let mut item = item;
            item["id"] = json!(reminder);
            listed.push(item);
        }
        self.tasks
            .get_mut(&id)
            .unwrap()
            .task
            .insert("reminders".into(), listed.into());
    }

    /// A reminder fires, or the settings of the account change.
    pub fn something_else(&mut self, choice: u16) {
        self.seq += 1;
        let nth = choice as usize % (self.reminders.len() + 1);
        let message = if let Some(reminder) = self.reminders.values_mut().nth(nth) {
            reminder["state"] = json!("fired");
            reminder["seq"] = json!(self.seq);
            let reminder = reminder.clone();
            let id = self.id();
            let made = json!({"id": id, "seq": self.seq, "created_at": "2026-03-01T09:00:00Z", "reminder_id": reminder["id"]});
            self.notifications.insert(id, made.clone());
            json!({"type": "notification", "seq": self.seq, "notifications": [made], "reminders": [reminder]})
        } else {
            self.account = json!({"name": format!("name {}", self.seq), "seq": self.seq});
            json!({"type": "changed", "seq": self.seq, "account": self.account})
        };
        self.feed.publish(self.seq, message);
    }
}

/// What the server makes of a value: it trims titles, and reminders have all of their members.
pub fn normalise(name: &str, value: &mut Value) {
    match (name, value) {
        ("title", value) => {
            if let Some(text) = value.as_str() {
                *value = json!(text.trim());
            }
        }
        ("reminders", Value::Array(list)) => {
            for item in list {
                let mut members = json!({"id": null, "before": null, "at": null, "on": null, "channels": null, "repeat": null});
                for (name, value) in item.as_object().into_iter().flatten() {
                    members[name] = value.clone();
                }
                *item = members;
            }
        }
        _ => {}
    }
}

/// A deleted task as a delta has it.
pub fn tombstone(record: &Record) -> Value {
    let task = &record.task;
    json!({"id": task["id"], "deleted_at": task["deleted_at"], "seq": task["seq"], "version": task["version"]})
}

//! How the server merges an operation into a task that others may have changed since its base.

use domain::offline::text::merge_lines;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::edits::same;
use crate::server::{Record, Server, Write, normalise};

impl Server {
    /// Field by field: what nobody has changed since the base is set; of what somebody has changed the later value wins, and the one that has lost
    /// is in the conflict log. Tags merge as a set, and descriptions by lines. An edit of a deleted task brings it back.
    pub fn merge(
        &mut self,
        device: usize,
        id: Uuid,
        record: Record,
        base: u64,
        op: &Value,
    ) -> Value {
        let (mut fields, mut touched, mut conflicts) = (Map::new(), Vec::new(), Vec::new());
        for (name, mut wanted) in wanted(op) {
            normalise(&name, &mut wanted);
            let sent = wanted.clone();
            let current = record.task[&name].clone();
            let mut since = record.versions.range(base..).map(|(_, task)| &task[&name]);
            let before = since.next().filter(|_| record.versions.contains_key(&base));
            let moved = match name.as_str() {
                "recurrence" => record.has_moved_on(base),
                _ => before.is_none_or(|before| since.any(|later| later != before)),
            };
            let mut write = Write::new(device, op, &name, sent, current.clone());
            let merged = match name.as_str() {
                // These change only what is not as they want it.
                "status" if is_void(op, &current) => Some(current.clone()),
                // The rule is that of the series already.
                "recurrence" if op["scope"].is_null() && same(&wanted, &current) => {
                    Some(current.clone())
                }
                "tags" => Some(merged_tags(&record, base, &wanted)),
                "description" if moved => merged_text(before, &current, &wanted),
                _ => None,
            };
            write.merged = merged.is_some();
            write.value = merged.unwrap_or(wanted);
            let value = write.value.clone();
            write.logged = moved && !write.merged && !same(&current, &value);
            if write.logged {
                conflicts.push(json!({"field": name, "theirs": current, "yours": value}));
            }
            let write_merged = write.merged;
            self.writes.push(write);
            if current != value || value.is_object() && name == "recurrence" && !write_merged {
                touched.push(name.clone());
                fields.insert(name, value);
            }
        }
        if !record.is_alive() {
            self.bring_back(device, id);
        }
        if let Some(recurrence) = fields.remove("recurrence") {
            let due = fields.get("due").unwrap_or(&record.task["due"]).clone();
            let recurs = self.recur(id, &recurrence, &due, &fields);
            // If the task is the only occurrence of its series, the same series begins again, and the task stays as it is.
            if has_recurrence(&record.task, &recurs) {
                touched.retain(|name| name != "recurrence");
            }
            fields.extend(recurs);
        }
        if !touched.is_empty() {
            let done = fields.get("status").map(|status| *status == "completed");
            if let Some(done) = done {
                let at = if done {
                    op["occurred_at"].clone()
                } else {
                    Value::Null
                };
                fields.insert("completed_at".into(), at);
            }
            self.commit(device, id, Value::from(fields.clone()), &touched);
            self.follow(id, &touched, op);
            if fields.contains_key("status") || fields.contains_key("recurrence") {
                self.next_occurrence(device, id);
            }
        }
        let task = Value::from(self.tasks[&id].task.clone());
        let result = match (conflicts.is_empty(), base == record.version()) {
            (false, _) => "conflict",
            (true, true) => "applied",
            (true, false) => "merged",
        };
        json!({"result": result, "task": task, "conflicts": conflicts, "restored": !record.is_alive()})
    }
}

impl Record {
    /// Whether the recurrence has changed since a version. A pause is no change of it.
    fn has_moved_on(&self, base: u64) -> bool {
        let since: Vec<_> = self.versions.range(base..).collect();
        let is_known = self.versions.contains_key(&base);
        !is_known
            || since.windows(2).any(|pair| {
                let [(_, before), (number, after)] = pair else {
                    return false;
                };
                before["recurrence"] != after["recurrence"] && !self.pauses.contains(number)
            })
    }
}

/// Whether a task has the recurrence and the series that [`Server::recur`] has returned.
fn has_recurrence(task: &Map<String, Value>, recurs: &Map<String, Value>) -> bool {
    let mut members = recurs["recurrence"].as_object().into_iter().flatten();
    recurs.get("series_id") == task.get("series_id")
        && members.all(|(name, value)| task["recurrence"][name] == *value)
}

/// The values that an operation wants.
fn wanted(op: &Value) -> Map<String, Value> {
    let status = |status: &str| Map::from_iter([("status".to_owned(), json!(status))]);
    match op["op"].as_str().unwrap() {
        "update" | "reminders" => op["fields"].as_object().unwrap().clone(),
        "complete" => status("completed"),
        "reopen" => status("open"),
        "skip" => status("cancelled"),
        other => panic!("an unknown operation: {other}"),
    }
}

/// Whether the status is already as a reopening or a skip wants it.
fn is_void(op: &Value, status: &Value) -> bool {
    let is_closed = status == "completed" || status == "cancelled";
    match op["op"].as_str() {
        Some("reopen") => !is_closed,
        Some("skip") => is_closed,
        _ => false,
    }
}

/// The text with the changes of both sides, if they have changed different lines.
fn merged_text(before: Option<&Value>, theirs: &Value, yours: &Value) -> Option<Value> {
    let (before, theirs, yours) = (before?.as_str()?, theirs.as_str()?, yours.as_str()?);
    merge_lines(before, theirs, yours).map(Value::from)
}

/// The tags with what the operation has added and removed since its base.
fn merged_tags(record: &Record, base: u64, wanted: &Value) -> Value {
    let list = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let (mut tags, wanted) = (list(&record.task["tags"]), list(wanted));
    let before = record.versions.get(&base).map(|task| list(&task["tags"]));
    let before = before.unwrap_or_default();
    tags.retain(|tag| wanted.contains(tag) || !before.contains(tag));
    for tag in wanted {
        if !before.contains(&tag) && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    json!(tags)
}

//! How the server merges an operation into a task that others may have changed since its base.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::server::{Record, Server, normalise};

impl Server {
    /// Field by field: what nobody has changed since the base is set; of what somebody has changed the later value wins, and the one that has lost
    /// is in the conflict log. Tags merge as a set. An edit of a deleted task brings it back.
    pub fn merge(
        &mut self,
        device: usize,
        id: Uuid,
        record: Record,
        base: u64,
        op: &Value,
    ) -> Value {
        let (mut fields, mut touched, mut conflicts) = (Map::new(), Vec::new(), Vec::new());
        for (name, mut value) in wanted(op) {
            normalise(&name, &mut value);
            let current = record.task[&name].clone();
            if name == "tags" {
                value = merged_tags(&record, base, &value);
            }
            let mut since = record.versions.range(base..).map(|(_, task)| &task[&name]);
            let before = since.next().filter(|_| record.versions.contains_key(&base));
            let moved = before.is_none_or(|before| since.any(|later| later != before));
            let logged = moved && name != "tags" && name != "reminders" && current != value;
            if logged {
                conflicts.push(json!({"field": name, "theirs": current, "yours": value}));
            }
            self.write(device, op, &name, value.clone(), current.clone(), logged);
            if current != value {
                touched.push(name.clone());
                fields.insert(name, value);
            }
        }
        let changed = !touched.is_empty();
        if changed {
            let done = fields.get("status").map(|status| *status == "completed");
            if let Some(done) = done {
                let at = if done {
                    op["occurred_at"].clone()
                } else {
                    Value::Null
                };
                fields.insert("completed_at".into(), at);
            }
            fields.insert("deleted_at".into(), Value::Null);
            self.commit(device, id, Value::from(fields.clone()), &touched);
        } else if !record.is_alive() {
            self.commit(device, id, json!({"deleted_at": null}), &[]);
        }
        let task = Value::from(self.tasks[&id].task.clone());
        if fields.get("status") == Some(&json!("completed")) && !task["series_id"].is_null() {
            self.next_occurrence(device, &task);
        }
        let result = match (conflicts.is_empty(), base == record.version()) {
            (false, _) => "conflict",
            (true, true) => "applied",
            (true, false) => "merged",
        };
        json!({"result": result, "task": task, "conflicts": conflicts, "restored": !record.is_alive()})
    }

    /// A completed occurrence has one next one, whoever completes it and however often.
    fn next_occurrence(&mut self, device: usize, task: &Value) {
        let series = Uuid::parse_str(task["series_id"].as_str().unwrap()).unwrap();
        if self.series[&series]["newest_id"] != task["id"] {
            return;
        }
        let id = self.id();
        let mut next = task.as_object().unwrap().clone();
        let new = json!({"id": id, "version": 0, "status": "open", "completed_at": null, "reminders": [], "occurrence_of": task["id"]});
        next.extend(new.as_object().unwrap().clone());
        let record = Record {
            task: next,
            versions: Default::default(),
            authors: Default::default(),
        };
        self.tasks.insert(id, record);
        self.commit(device, id, json!({}), &[]);
        self.series.insert(
            series,
            json!({"id": series, "seq": self.seq, "newest_id": id}),
        );
    }
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

//! What the server does to what belongs to a task: its series and its reminders. There is nothing to merge.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::server::{Record, Server};

/// The members that occurrences to come have from their series.
const SHARED: [&str; 4] = ["title", "description", "priority", "tags"];

impl Server {
    /// The series of a task, if the task is its newest occurrence.
    fn led_by(&self, id: Uuid) -> Option<Uuid> {
        let series = self.tasks[&id].task["series_id"].as_str()?;
        let series = Uuid::parse_str(series).unwrap();
        let newest = self.series.get(&series)?;
        (newest["newest_id"] == json!(id)).then_some(series)
    }

    /// Gives a series that has changed its number and tells of it.
    fn tell(&mut self, series: Uuid, members: Value) {
        self.seq += 1;
        let item = self.series.get_mut(&series).unwrap();
        for (name, value) in members.as_object().unwrap() {
            item[name] = value.clone();
        }
        item["seq"] = json!(self.seq);
        let message = json!({"type": "changed", "seq": self.seq, "series": [item]});
        self.feed.publish(self.seq, message);
    }

    /// Sets the recurrence of a task. The series that it leads ends, and another one begins with it, unless it is the only occurrence. Returns
    /// what changes in the task.
    pub(crate) fn recur(
        &mut self,
        id: Uuid,
        recurrence: &Value,
        due: &Value,
        others: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut task = self.tasks[&id].task.clone();
        let old = task["recurrence"].clone();
        let led = self.led_by(id).filter(|_| !old.is_null());
        if recurrence.is_null() {
            if let Some(series) = led.filter(|series| self.series[series]["ended_by"].is_null()) {
                self.tell(series, json!({"ended_by": "edit"}));
            }
            return Map::from_iter([("recurrence".to_owned(), Value::Null)]);
        }
        let is_first = |series: &Uuid| self.series[series]["previous_id"].is_null();
        let same = led.filter(is_first);
        if let Some(series) =
            led.filter(|series| same.is_none() && self.series[series]["ended_by"].is_null())
        {
            self.tell(series, json!({"ended_by": "split"}));
        }
        let series = same.unwrap_or_else(|| self.id());
        let paused = if led.is_some() { old } else { Value::Null };
        let stored = stored_recurrence(recurrence, due, &paused);
        let changes = json!({"recurrence": stored, "series_id": series});
        task.extend(others.clone());
        task.extend(changes.as_object().unwrap().clone());
        let item = series_of(series, &task);
        self.series.insert(series, item);
        self.tell(series, json!({}));
        changes.as_object().unwrap().clone()
    }

    /// What was changed of the newest occurrence is for those to come, unless it is for this one alone.
    pub(crate) fn follow(&mut self, id: Uuid, touched: &[String], op: &Value) {
        let task = self.tasks[&id].task.clone();
        let shared = |name: &&String| SHARED.contains(&name.as_str());
        let members: Map<String, Value> = touched
            .iter()
            .filter(shared)
            .map(|name| (name.clone(), task[name].clone()))
            .collect();
        let led = self.led_by(id).filter(|_| !task["recurrence"].is_null());
        if let Some(series) = led.filter(|_| op["scope"] != "this" && !members.is_empty()) {
            self.tell(series, Value::from(members));
        }
    }

    /// A series that ended with the deletion of its newest occurrence continues with it.
    pub(crate) fn bring_back(&mut self, device: usize, id: Uuid) {
        self.commit(device, id, json!({"deleted_at": null}), &[]);
        let led = self
            .led_by(id)
            .filter(|_| !self.tasks[&id].task["recurrence"].is_null());
        if let Some(series) = led.filter(|series| self.series[series]["ended_by"] == "deletion") {
            self.tell(series, json!({"ended_by": null}));
            self.next_occurrence(device, id);
        }
    }

    /// Deletes a task. An open occurrence of a series takes the series along, or it is skipped.
    pub(crate) fn leave(&mut self, device: usize, id: Uuid, op: &Value) {
        let record = &self.tasks[&id];
        let (is_open, recurs) = (
            record.is_open_occurrence(),
            !record.task["recurrence"].is_null(),
        );
        let gone = json!({"deleted_at": op["occurred_at"]});
        let series = record.task["series_id"]
            .as_str()
            .map(|id| Uuid::parse_str(id).unwrap());
        let whole =
            op["scope"] == "all" || op["scope"] == "future" || op["scope"].is_null() && is_open;
        if op["scope"] == "this" && is_open {
            self.commit(
                device,
                id,
                json!({"status": "cancelled"}),
                &["status".to_owned()],
            );
        } else if let Some(series) =
            series.filter(|series| whole && recurs && self.series.contains_key(series))
        {
            if self.series[&series]["ended_by"].is_null() {
                self.tell(series, json!({"ended_by": "deletion"}));
            }
            let newest =
                Uuid::parse_str(self.series[&series]["newest_id"].as_str().unwrap()).unwrap();
            let other = self.tasks.get(&newest).filter(|_| newest != id);
            if other.is_some_and(|newest| newest.is_alive() && newest.is_open_occurrence()) {
                self.commit(device, newest, gone.clone(), &[]);
            }
        }
        self.commit(device, id, gone, &[]);
        self.next_occurrence(device, id);
    }

    /// A completed or skipped occurrence has one next one, whoever closes it and however often. It has what its series has.
    pub(crate) fn next_occurrence(&mut self, device: usize, after: Uuid) {
        let task = self.tasks[&after].task.clone();
        let is_closed = task["status"] == "completed" || task["status"] == "cancelled";
        let led = self
            .led_by(after)
            .filter(|_| is_closed && !task["recurrence"].is_null());
        let Some(series) = led.filter(|series| self.series[series]["ended_by"].is_null()) else {
            return;
        };
        let id = self.id();
        let mut next = task;
        let new = json!({"id": id, "version": 0, "status": "open", "completed_at": null, "deleted_at": null, "reminders": [],
            "series_id": series, "occurrence_of": format!("{after} in {series}"), "recurrence": self.series[&series]["recurrence"]});
        next.extend(new.as_object().unwrap().clone());
        for name in SHARED {
            next.insert(name.to_owned(), self.series[&series][name].clone());
        }
        let record = Record {
            task: next,
            ..Record::default()
        };
        self.tasks.insert(id, record);
        self.commit(device, id, json!({}), &[]);
        // It has the number of the task, and no message.
        let item = self.series.get_mut(&series).unwrap();
        item["newest_id"] = json!(id);
        item["previous_id"] = json!(after);
        item["seq"] = json!(self.seq);
    }

    pub(crate) fn pause(
        &mut self,
        device: usize,
        id: Uuid,
        op: &Value,
    ) -> Result<Value, &'static str> {
        let record = &self.tasks[&id];
        if record.task["recurrence"].is_null() {
            return Err("it does not recur, or not any more");
        }
        let mut recurrence = record.task["recurrence"].clone();
        let pauses = op["op"] == "pause";
        if recurrence["paused_at"].is_null() == pauses && record.is_alive() {
            recurrence["paused_at"] = match pauses {
                true => op["occurred_at"].clone(),
                false => Value::Null,
            };
            self.commit(device, id, json!({ "recurrence": recurrence }), &[]);
            let record = self.tasks.get_mut(&id).unwrap();
            record.pauses.insert(record.version());
        }
        Ok(self.applied(id))
    }

    /// A reminder has a number of its own. That of its task stays.
    pub(crate) fn answer_reminder(&mut self, id: Uuid, op: &Value) -> Result<Value, &'static str> {
        let number = op["reminder_id"].as_str().and_then(|id| id.parse().ok());
        let number: Uuid = number.ok_or("no reminder")?;
        let reminder = self.reminders.get(&number);
        if reminder.is_none_or(|reminder| reminder["task_id"] != json!(id)) {
            return Err("it has no such reminder");
        }
        let is_open = self.tasks[&id].task["status"] == "open" && self.tasks[&id].is_alive();
        let snoozes = op["op"] == "snooze";
        if snoozes && !is_open {
            return Err("it is not open");
        }
        let reminder = self.reminders.get_mut(&number).ok_or("no reminder")?;
        if snoozes || reminder["state"] != "acknowledged" {
            self.seq += 1;
            reminder["state"] = json!(if snoozes { "scheduled" } else { "acknowledged" });
            for member in ["fires_at", "snoozed_until"] {
                reminder[member] = op["fields"]["until"].clone();
            }
            reminder["seq"] = json!(self.seq);
            let changed = [reminder.clone()];
            let message = json!({"type": "changed", "seq": self.seq, "reminders": changed});
            self.feed.publish(self.seq, message);
        }
        Ok(self.applied(id))
    }

    /// The result of what is merged with nothing.
    fn applied(&self, id: Uuid) -> Value {
        let record = &self.tasks[&id];
        let task = record.is_alive().then_some(&record.task);
        json!({"result": "applied", "task": task})
    }
}

/// A recurrence as it is stored: with the due date that it begins with. It is paused if the one before it is.
pub(crate) fn stored_recurrence(wanted: &Value, due: &Value, before: &Value) -> Value {
    let paused_at = before["paused_at"].clone();
    json!({"rule": wanted["rule"], "timezone": "UTC", "start": due, "paused_at": paused_at, "resumed_at": null})
}

/// A series that begins with a task.
pub(crate) fn series_of(id: Uuid, first: &Map<String, Value>) -> Value {
    let mut series = json!({"id": id, "newest_id": first["id"], "previous_id": null, "ended_by": null, "recurrence": first["recurrence"]});
    for name in SHARED {
        series[name] = first[name].clone();
    }
    series
}

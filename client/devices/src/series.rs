//! What the server does to what belongs to a task: its series and its reminders. There is nothing to merge.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::Server;

impl Server {
    pub(crate) fn pause(
        &mut self,
        device: usize,
        id: Uuid,
        op: &Value,
    ) -> Result<Value, &'static str> {
        let record = &self.tasks[&id];
        if record.task["series_id"].is_null() {
            return Err("it does not recur");
        }
        let mut recurrence = record.task["recurrence"].clone();
        let pauses = op["op"] == "pause";
        if recurrence["paused_at"].is_null() == pauses && record.is_alive() {
            recurrence["paused_at"] = match pauses {
                true => op["occurred_at"].clone(),
                false => Value::Null,
            };
            self.commit(device, id, json!({ "recurrence": recurrence }), &[]);
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

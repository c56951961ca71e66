//! Does all acknowledged operations again, in the order of the server, with the model of the server: each must have had the result that the
//! model has, and every version of a task must come from one operation.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use chrono::DateTime;
use devices::edits::same;
use devices::server::{Record, Server, VALUES};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::history::{History, Version};
use super::operations::{Acknowledged, Operation};
use crate::client::text;

/// The author of a version that comes from no operation.
const NOBODY: usize = usize::MAX;

/// Replays a user's operations and returns the model with all of them done.
///
/// # Errors
/// Names an operation that has another result than in the model, or a version that comes from nothing.
pub fn replay(acknowledged: &Acknowledged, history: &History) -> Result<Server> {
    let mut server = Server::default();
    let mut by_task: BTreeMap<Uuid, Vec<&Operation>> = BTreeMap::new();
    for operation in acknowledged.0.values() {
        let task = text(&operation.sent, "task_id")?.parse()?;
        by_task.entry(task).or_default().push(operation);
    }
    for (id, operations) in &by_task {
        let known = history.tasks.contains_key(id);
        ensure!(known, "no version of {id} is on the trail: {operations:?}");
    }
    for (id, versions) in &history.tasks {
        let operations = by_task.remove(id).unwrap_or_default();
        let mut task = Task {
            id: *id,
            versions,
            next: 1,
        };
        task.replay(&mut server, operations)
            .with_context(|| format!("task {id}:\n{}", history.of(id)))?;
    }
    Ok(server)
}

/// A task that is being replayed.
struct Task<'a> {
    id: Uuid,
    versions: &'a BTreeMap<u64, Version>,
    /// The first version that is not replayed yet.
    next: u64,
}

impl Task<'_> {
    fn replay(&mut self, server: &mut Server, operations: Vec<&Operation>) -> Result<()> {
        let (rejected, mut done): (Vec<_>, Vec<_>) = operations
            .into_iter()
            .partition(|operation| operation.is("rejected"));
        // What has changed nothing comes after what has made the version that it saw.
        done.sort_by_key(|operation| (operation.version(), self.made_by(operation).is_empty()));
        for operation in done {
            let what = || format!("device {}: {}", operation.device, operation.sent);
            self.operate(server, operation).with_context(what)?;
        }
        self.pass(server, u64::MAX)?;
        for operation in rejected {
            let made = self.made_by(operation);
            ensure!(
                made.is_empty(),
                "a rejected operation has made versions {made:?}: {operation:?}"
            );
            self.may_be_rejected(operation)?;
        }
        Ok(())
    }

    /// The versions that come from an operation.
    fn made_by(&self, operation: &Operation) -> Vec<u64> {
        let (deletes, pauses) = (operation.sent["op"] == "delete", pauses(operation));
        // A deletion gives way to what it did not know, and otherwise it comes right after its base.
        if deletes && !operation.is("applied") {
            return Vec::new();
        }
        let base = operation.sent["base_version"].as_u64();
        let oldest = base.filter(|_| deletes).unwrap_or(0);
        let newest = operation.version().unwrap_or(u64::MAX);
        let versions = self.versions.iter();
        let made = versions.filter(|(number, version)| {
            // A change of another occurrence can delete this one.
            version.request == operation.batch
                && **number <= newest
                && **number > oldest
                && !version.by_agent
                && pauses == self.is_pause(**number)
                && (deletes || version.kind != "task.deleted")
        });
        made.map(|(number, _)| *number).collect()
    }

    /// Whether a version comes from a pause of the series: only that changes of the recurrence.
    fn is_pause(&self, number: u64) -> bool {
        let version = |number| self.versions.get(&number).map(|version| &version.task);
        let (Some(after), Some(before)) = (version(number), version(number - 1)) else {
            return false;
        };
        let stays = |name: &&str| after.get(*name) == before.get(*name);
        let others = [
            "title",
            "description",
            "priority",
            "status",
            "due",
            "tags",
            "deleted_at",
            "reminders",
            "series_id",
        ];
        let rule = |task: &Map<String, Value>| {
            let mut recurrence = task["recurrence"].clone();
            for name in ["paused_at", "resumed_at"] {
                recurrence[name].take();
            }
            recurrence
        };
        let recurs = before["recurrence"].is_object() && after["recurrence"].is_object();
        recurs
            && after.get("recurrence") != before.get("recurrence")
            && rule(after) == rule(before)
            && others.iter().all(stays)
    }

    /// Passes the versions before this one. None of them may come from an operation.
    fn pass(&mut self, server: &mut Server, end: u64) -> Result<()> {
        while let Some(version) = self.versions.get(&self.next).filter(|_| self.next < end) {
            // After a series is resumed, the API makes its next occurrence at once.
            let is_next = version.task["occurrence_number"].as_u64() > Some(1);
            let is_made = is_next && ["task.created", "task.restored"].contains(&&*version.kind);
            let recurs = !version.task["series_id"].is_null();
            let is_effect = version.kind == "task.deleted" || self.is_pause(self.next);
            ensure!(
                recurs && (version.by_agent || is_effect || is_made),
                "version {} comes from no operation",
                self.next
            );
            let record = server.tasks.entry(self.id).or_default();
            record.task = version.task.clone();
            record.versions.insert(self.next, version.task.clone());
            record.authors.insert(self.next, NOBODY);
            if self.is_pause(self.next) {
                record.pauses.insert(self.next);
            }
            if self.next > 1 && version.kind == "task.restored" {
                server.remade.insert(self.id);
            }
            self.next += 1;
        }
        Ok(())
    }

    fn operate(&mut self, server: &mut Server, operation: &Operation) -> Result<()> {
        let made = self.made_by(operation);
        let version = operation.version().context("no version")?;
        self.pass(server, made.first().copied().unwrap_or(version + 1))?;
        if belongs_to_series_or_reminder(operation) {
            ensure!(operation.is("applied"), "it is {}", operation.result);
            return self.pass_own(server, operation, version);
        }
        let mut sent = operation.sent.clone();
        let scope = sent["scope"].clone();
        // A rule with a scope begins a new series, unless the task is the only occurrence of its series and has that rule. The replay does not
        // know how many occurrences there are, so it takes that from the versions, and the model then sees a rule without a scope.
        let now = self.versions.get(&version);
        if made.is_empty() && now.is_some_and(|now| now.task["occurrence_number"] == 1) {
            sent["scope"].take();
        }
        let expected = server
            .operate(operation.device, &sent)
            .map_err(|why| anyhow::anyhow!("it was done, although {why}"))?;
        if let Some(told) = server.scopes.get_mut(&text(&sent, "op_id")?) {
            *told = scope;
        }
        let record = server.tasks.get_mut(&self.id).context("no task")?;
        let result = &operation.result;
        ensure!(
            result["result"] == expected["result"]
                && (result["restored"] == true) == (expected["restored"] == true)
                && conflicts(result) == conflicts(&expected),
            "the result is {} with {:?}, expected {} with {:?}",
            result["result"],
            conflicts(result),
            expected["result"],
            conflicts(&expected)
        );
        ensure!(
            record.version() == version && record.versions.len() as u64 == version,
            "the version is {version}, expected {}: {result}",
            record.version()
        );
        // A task that was completed before is only brought back.
        let completes = made
            .iter()
            .any(|number| self.versions[number].kind == "task.completed");
        for number in made {
            ensure!(
                number == self.next,
                "version {number} comes from it, and {} does not",
                self.next
            );
            // The model does not know all that the server has set, such as times and the ids of reminders.
            let real = &self.versions[&number].task;
            let model = record.versions.get(&number);
            let model = model.with_context(|| format!("it makes no version {number}"))?;
            alike(real, model)?;
            record.versions.insert(number, real.clone());
            record.task = real.clone();
            self.next += 1;
        }
        ensure!(
            self.next == version + 1,
            "it makes version {}, which is not there",
            self.next
        );
        let answered = result.get("task").and_then(Value::as_object);
        if let Some(answered) = answered {
            ensure!(
                *answered == record.task,
                "the answer has {answered:?}, and the trail {:?}",
                record.task
            );
        } else {
            ensure!(!record.is_alive(), "the answer has no task");
        }
        if completes {
            completed_when_it_was_done(operation, record)?;
        }
        Ok(())
    }

    /// A pause makes a version in which only the recurrence differs, if this is the newest occurrence. An answer to a reminder makes none.
    fn pass_own(&mut self, server: &mut Server, operation: &Operation, version: u64) -> Result<()> {
        let made = self.made_by(operation);
        ensure!(made.len() < 2, "it has made versions {made:?}");
        self.pass(server, version + 1)?;
        let record = server.tasks.get_mut(&self.id).context("no task")?;
        for number in made {
            record.authors.insert(number, operation.device);
        }
        ensure!(record.version() == version, "the version is {version}");
        Ok(())
    }

    /// A rejected operation is one on a task that its device knew to be deleted, a skip of what does not recur, or one that takes the due date
    /// from what another device lets recur.
    fn may_be_rejected(&self, operation: &Operation) -> Result<()> {
        let base = operation.sent["base_version"].as_u64().unwrap_or_default();
        let known = self.versions.range(..=base);
        let was_deleted = known
            .last()
            .is_some_and(|(_, version)| !version.task["deleted_at"].is_null());
        let has_no_series = operation.sent["op"] == "skip"
            && self
                .versions
                .values()
                .any(|version| version.task["recurrence"].is_null());
        let status = operation.result["problem"]["status"].as_u64();
        // The series has ended; the reminder is gone, or its task is closed.
        let belongs = belongs_to_series_or_reminder(operation)
            && (status == Some(409) || status == Some(404));
        let takes_due = operation.sent["fields"].get("due") == Some(&Value::Null);
        let mut versions = self.versions.range(base..);
        let needs_due =
            takes_due && versions.any(|(_, version)| !version.task["recurrence"].is_null());
        ensure!(
            belongs
                || status == Some(409) && (was_deleted || has_no_series)
                || status == Some(422) && needs_due,
            "it was rejected without a reason: {operation:?}"
        );
        Ok(())
    }
}

fn pauses(operation: &Operation) -> bool {
    operation.sent["op"] == "pause" || operation.sent["op"] == "resume"
}

fn belongs_to_series_or_reminder(operation: &Operation) -> bool {
    let op = &operation.sent["op"];
    pauses(operation) || op == "snooze" || op == "ack"
}

/// What has lost, by field.
fn conflicts(result: &Value) -> BTreeMap<String, (Value, Value)> {
    let list = result["conflicts"].as_array().into_iter().flatten();
    let entry = |item: &Value| {
        let field = item["field"].as_str().unwrap_or_default().to_owned();
        let value = |side: &str| match field.as_str() {
            // The server adds members.
            "recurrence" => item[side]["rule"].clone(),
            _ => item[side].clone(),
        };
        let sides = (value("theirs"), value("yours"));
        (field, sides)
    };
    list.map(entry).collect()
}

/// The members that the model computes.
fn alike(real: &Map<String, Value>, model: &Map<String, Value>) -> Result<()> {
    for name in VALUES.iter().copied().chain(["tags"]) {
        let (real, model) = (&real[name], &model[name]);
        let is_same = match name {
            "recurrence" => same(real, model),
            _ => real == model,
        };
        ensure!(is_same, "{name} is {real}, expected {model}");
    }
    let definitions = |task: &Map<String, Value>| {
        let mut list = task.get("reminders").cloned().unwrap_or(json!([]));
        for item in list.as_array_mut().into_iter().flatten() {
            item["id"].take();
        }
        list
    };
    let (real_list, model_list) = (definitions(real), definitions(model));
    ensure!(
        real_list == model_list,
        "reminders are {real_list}, expected {model_list}"
    );
    let (is, expected) = (is_alive(real), is_alive(model));
    ensure!(is == expected, "it is alive: {is}, expected {expected}");
    Ok(())
}

fn is_alive(task: &Map<String, Value>) -> bool {
    task.get("deleted_at").is_none_or(Value::is_null)
}

/// A completion has the time at which it was done, within the life of the task.
fn completed_when_it_was_done(operation: &Operation, record: &Record) -> Result<()> {
    let time = |value: &Value| DateTime::parse_from_rfc3339(value.as_str().unwrap_or_default());
    let (at, from, to) = (
        time(&operation.sent["occurred_at"])?,
        time(&record.task["created_at"])?,
        time(&record.task["updated_at"])?,
    );
    let (expected, real) = (at.max(from).min(to), time(&record.task["completed_at"])?);
    ensure!(
        real == expected,
        "it was completed at {real}, not {expected}"
    );
    Ok(())
}

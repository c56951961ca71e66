//! What the audit trail says about series: each occurrence follows one that was completed or skipped, and has what was set for those to
//! come.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use devices::edits::same;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::history::{History, Version};
use super::operations::{Acknowledged, Operation};

/// The members that occurrences to come have from their series.
const SHARED: [&str; 4] = ["title", "description", "priority", "tags"];

/// A series, as far as the trail has been read.
struct Series {
    /// The values that its next occurrence has.
    values: Map<String, Value>,
    newest: Uuid,
    /// The occurrence before the newest one.
    previous: Option<Uuid>,
    /// Whether a person has brought an occurrence back that the server had taken back. Then that is the newest one again as soon as the one
    /// before it is done, and the trail does not say when that is.
    is_unsure: bool,
}

/// A version of a task, and the one before it.
struct Step<'a> {
    task: Uuid,
    version: &'a Version,
    before: Option<&'a Version>,
    /// The operation that has made it.
    operation: Option<&'a Operation>,
}

/// Reads the trail in the order of the server.
///
/// # Errors
/// Names an occurrence that must not be there, or that has other values than its series.
pub fn judge(acknowledged: &Acknowledged, history: &History) -> Result<()> {
    let mut steps = BTreeMap::new();
    for (task, versions) in &history.tasks {
        for (number, version) in versions {
            let seq = version.task["seq"].as_u64().context("no seq")?;
            let step = Step {
                task: *task,
                version,
                before: versions.get(&(number - 1)),
                operation: maker(acknowledged, *task, *number, version),
            };
            let other = steps.insert(seq, step);
            ensure!(other.is_none(), "two versions have the number {seq}");
        }
    }
    let mut all: BTreeMap<Uuid, Series> = BTreeMap::new();
    let mut last: Option<&Step> = None;
    for (seq, step) in &steps {
        let what = || {
            format!(
                "at number {seq}, task {}:\n{}",
                step.task,
                history.of(&step.task)
            )
        };
        step.read(&mut all, last, history).with_context(what)?;
        last = Some(step);
    }
    Ok(())
}

/// The operation that has made a version. A batch has at most one operation of a task.
fn maker<'a>(
    acknowledged: &'a Acknowledged,
    task: Uuid,
    number: u64,
    version: &Version,
) -> Option<&'a Operation> {
    let mut operations = acknowledged.0.values();
    operations.find(|operation| {
        operation.sent["task_id"] == task.to_string()
            && operation.batch == version.request
            && operation.version().is_some_and(|last| number <= last)
            && !version.by_agent
    })
}

impl Step<'_> {
    fn read(
        &self,
        all: &mut BTreeMap<Uuid, Series>,
        last: Option<&Step>,
        history: &History,
    ) -> Result<()> {
        let task = &self.version.task;
        let Some(id) = task["series_id"]
            .as_str()
            .filter(|_| !task["recurrence"].is_null())
        else {
            return Ok(());
        };
        let id: Uuid = id.parse()?;
        if self.begins() {
            let old = all.remove(&id);
            all.insert(
                id,
                Series {
                    values: shared(task),
                    newest: self.task,
                    is_unsure: old.as_ref().is_some_and(|old| old.is_unsure),
                    previous: old.and_then(|old| old.previous),
                },
            );
            return Ok(());
        }
        let series = all
            .get_mut(&id)
            .context("it belongs to a series that never began")?;
        let number = |task: &Map<String, Value>| task["occurrence_number"].as_u64();
        let now = |id: &Uuid| {
            let versions = history.tasks[id].values();
            let mut before =
                versions.filter(|version| version.task["seq"].as_u64() < task["seq"].as_u64());
            before.next_back().map(|version| &version.task)
        };
        if self.is_made() {
            let is_before = |before: &Map<String, Value>| {
                before["series_id"] == task["series_id"]
                    && number(before).map(|number| number + 1) == number(task)
                    && (before["status"] == "completed" || before["status"] == "cancelled")
            };
            let mut others = history.tasks.keys().filter_map(now);
            let follows = match series.is_unsure {
                true => others.any(is_before),
                false => now(&series.newest).is_some_and(is_before),
            };
            ensure!(
                follows,
                "it follows {}, which is not done:\n{}",
                series.newest,
                history.of(&series.newest)
            );
            let values = shared(task);
            ensure!(
                series.is_unsure || values == series.values,
                "it has {values:?}, and its series {:?}",
                series.values
            );
            series.previous = Some(series.newest);
            series.newest = self.task;
        } else if self.version.kind == "task.restored"
            && number(task) > now(&series.newest).and_then(number)
        {
            series.is_unsure = true;
        } else if series.newest == self.task && self.is_withdrawn(series, last) {
            series.newest = series.previous.take().context("it was the first one")?;
        } else if series.newest == self.task
            && self.operation.is_some_and(|op| op.sent["scope"] != "this")
        {
            for name in SHARED {
                let old = self.before.map(|before| &before.task[name]);
                if old != Some(&task[name]) {
                    series.values.insert(name.to_owned(), task[name].clone());
                }
            }
        }
        Ok(())
    }

    /// Whether a series begins with the task: it has another rule, or another place for the same one.
    fn begins(&self) -> bool {
        let task = &self.version.task;
        let Some(before) = self.before else {
            return task["occurrence_number"] == 1;
        };
        let start = |task: &Map<String, Value>| task["recurrence"]["start"].clone();
        let begins = !same(&before.task["recurrence"], &task["recurrence"])
            || start(&before.task) != start(task)
            || before.task["series_id"] != task["series_id"];
        begins && self.operation.is_some()
    }

    /// Whether the server has made the occurrence, perhaps anew.
    fn is_made(&self) -> bool {
        match self.version.kind.as_str() {
            "task.created" => true,
            "task.restored" => self.operation.is_none(),
            _ => false,
        }
    }

    /// Whether the server has taken the occurrence back, because the one before it was opened again.
    fn is_withdrawn(&self, series: &Series, last: Option<&Step>) -> bool {
        self.version.kind == "task.deleted"
            && last.is_some_and(|last| {
                last.version.kind == "task.reopened"
                    && last.version.request == self.version.request
                    && Some(last.task) == series.previous
            })
    }
}

fn shared(task: &Map<String, Value>) -> Map<String, Value> {
    let members = SHARED.iter();
    members
        .map(|name| ((*name).to_owned(), task[*name].clone()))
        .collect()
}

//! What the audit trail says about a user's tasks: the state of each task after each of its versions.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use devices::server::VALUES;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::client::{User, text};

/// A version of a task.
#[derive(Clone, Debug)]
pub struct Version {
    /// The type of its event.
    pub kind: String,
    /// The task after the change.
    pub task: Map<String, Value>,
    /// Whether an agent has made it.
    pub by_agent: bool,
    /// The correlation id of the request.
    pub request: String,
}

/// The trail of one user.
#[derive(Debug, Default)]
pub struct History {
    /// The versions of each task, by their numbers.
    pub tasks: BTreeMap<Uuid, BTreeMap<u64, Version>>,
    /// The operations of which the trail says that they were merged.
    pub merged: Vec<String>,
}

impl History {
    /// Reads the trail.
    ///
    /// # Errors
    /// The API fails, or a version is there twice or not at all.
    pub async fn read(user: &User) -> Result<Self> {
        let mut history = Self::default();
        for entry in user.pages("/api/audit?limit=200").await? {
            let (kind, data) = (text(&entry, "type")?, &entry["event"]["data"]);
            if kind == "sync.merged" {
                history.merged.push(text(data, "op_id")?);
            }
            if !kind.starts_with("task.") {
                continue;
            }
            let task = data["task"].as_object().context("no task")?.clone();
            let number = data["task"]["version"].as_u64().context("no version")?;
            let id = text(&data["task"], "id")?.parse()?;
            let version = Version {
                kind,
                task,
                by_agent: data["actor"]["type"] != "user",
                request: text(&entry, "correlation_id")?,
            };
            let before = history.tasks.entry(id).or_default().insert(number, version);
            ensure!(before.is_none(), "version {number} of {id} is there twice");
        }
        for (id, versions) in &history.tasks {
            let expected = 1..=versions.len() as u64;
            ensure!(
                versions.keys().copied().eq(expected),
                "the versions of {id} are {:?}",
                versions.keys()
            );
        }
        Ok(history)
    }

    /// A line for each version of a task, with what its operations set.
    #[must_use]
    pub fn of(&self, task: &Uuid) -> String {
        let versions = self.tasks.get(task).into_iter().flatten();
        let lines = versions.map(|(number, version)| {
            let shown = VALUES.iter().copied().chain(["tags", "deleted_at"]);
            let shown: Vec<String> = shown
                .filter_map(|name| Some(format!("{name} {}", version.task.get(name)?)))
                .collect();
            let (kind, request) = (&version.kind, &version.request);
            format!("  {number} {kind} by {request}: {}\n", shown.join(", "))
        });
        lines.collect()
    }
}

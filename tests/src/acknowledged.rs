//! The writes that the API acknowledged. The checker compares the system's state with these and with nothing else.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;
use uuid::Uuid;

use crate::client::{number, text};

/// One write to a task that the API answered with success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcknowledgedWrite {
    pub user: Uuid,
    pub task: Uuid,
    /// The task's version after the write.
    pub version: i64,
    /// The type of the event that the write emits, such as `task.created`.
    pub kind: &'static str,
}

/// The next occurrence that the API announced when it acknowledged the completion of a series' newest occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedOccurrence {
    pub series: Uuid,
    /// The occurrence that was completed or skipped. Nobody changes it afterwards.
    pub after: Uuid,
    /// The task that is to come.
    pub task: Uuid,
    pub occurrence: String,
    pub number: i64,
}

impl AnnouncedOccurrence {
    /// What the answer to a completion says.
    ///
    /// # Errors
    /// It announces nothing.
    pub fn of(done: &Value) -> Result<Self> {
        let next = &done["next"];
        Ok(Self {
            series: text(done, "series_id")?.parse()?,
            after: text(done, "id")?.parse()?,
            task: text(next, "id")?.parse()?,
            occurrence: text(next, "occurrence")?,
            number: number(done, "occurrence_number")? + 1,
        })
    }
}

/// Acknowledged writes by task and version, and what they announced.
#[derive(Debug, Default)]
pub struct AcknowledgedWrites {
    by_version: BTreeMap<(Uuid, i64), AcknowledgedWrite>,
    /// By the occurrence that was completed.
    announced: BTreeMap<Uuid, AnnouncedOccurrence>,
}

impl AcknowledgedWrites {
    /// Adds one write.
    ///
    /// # Errors
    /// Another acknowledged write has the same task and version, so the API acknowledged two writes as one version.
    pub fn record(&mut self, write: AcknowledgedWrite) -> Result<()> {
        let before = self
            .by_version
            .insert((write.task, write.version), write.clone());
        ensure!(
            before.is_none(),
            "two acknowledged writes are the same version of a task: {before:?} and {write:?}"
        );
        Ok(())
    }

    /// Adds an announced occurrence.
    ///
    /// # Errors
    /// The API announced another one for the same completion before.
    pub fn announce(&mut self, next: AnnouncedOccurrence) -> Result<()> {
        let before = self.announced.insert(next.after, next.clone());
        ensure!(
            before.as_ref().is_none_or(|before| *before == next),
            "two next occurrences of one completion: {before:?} and {next:?}"
        );
        Ok(())
    }

    pub fn announced(&self) -> impl Iterator<Item = &AnnouncedOccurrence> {
        self.announced.values()
    }

    /// Adds all writes of `other`.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn merge(&mut self, other: Self) -> Result<()> {
        other
            .announced
            .into_values()
            .try_for_each(|next| self.announce(next))?;
        other
            .by_version
            .into_values()
            .try_for_each(|write| self.record(write))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.by_version.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_version.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &AcknowledgedWrite> {
        self.by_version.values()
    }
}

//! The writes that the API acknowledged. The checker compares the system's state with these and with nothing else.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use uuid::Uuid;

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

/// Acknowledged writes by task and version.
#[derive(Debug, Default)]
pub struct AcknowledgedWrites {
    by_version: BTreeMap<(Uuid, i64), AcknowledgedWrite>,
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

    /// Adds all writes of `other`.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn merge(&mut self, other: Self) -> Result<()> {
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

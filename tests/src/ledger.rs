//! What clients were told: the only thing the checker believes.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use uuid::Uuid;

/// One write that the API acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub user: Uuid,
    pub task: Uuid,
    pub version: i64,
    /// The event's type, such as `task.created`.
    pub kind: &'static str,
}

/// Acknowledged writes by task and version.
#[derive(Debug, Default)]
pub struct Ledger {
    told: BTreeMap<(Uuid, i64), Told>,
}

impl Ledger {
    /// # Errors
    /// Where the API acknowledges two different writes as one version of a task.
    pub fn record(&mut self, told: Told) -> Result<()> {
        let before = self.told.insert((told.task, told.version), told.clone());
        ensure!(
            before.is_none(),
            "two acknowledged writes are the same version of a task: {before:?} and {told:?}"
        );
        Ok(())
    }

    /// # Errors
    /// As `record`.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        other
            .told
            .into_values()
            .try_for_each(|told| self.record(told))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.told.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Told> {
        self.told.values()
    }
}

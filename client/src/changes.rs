//! What an input has changed, for whoever shows it or stores it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::answer::Verdict;
use crate::operation::Operation;
use crate::store::Store;
use crate::task::Item;

/// What has changed in the view.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Changes {
    pub tasks: BTreeSet<Uuid>,
    pub series: BTreeSet<Uuid>,
    pub reminders: BTreeSet<Uuid>,
    pub notifications: BTreeSet<Uuid>,
    pub account: bool,
    /// The operations that did not simply hold, for the person to see.
    pub remarks: Vec<Remark>,
}

/// An operation that was merged, was in conflict or was rejected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Remark {
    pub operation: Operation,
    pub result: Verdict,
    /// Whether the edit has brought the task back that somebody else had deleted.
    pub restored: bool,
    /// What has lost, as the conflict log has it.
    pub conflicts: Vec<Value>,
    /// Why it was rejected. The view has lost its effect; the operation says what the person had written.
    pub problem: Option<Value>,
}

impl Changes {
    /// Notes what differs between two stores, but for the tasks.
    pub fn replaced(&mut self, old: &Store, new: &Store) {
        self.series.extend(differing(old.series(), new.series()));
        self.reminders
            .extend(differing(old.reminders(), new.reminders()));
        self.notifications
            .extend(differing(old.notifications(), new.notifications()));
        self.account |= old.account() != new.account();
    }
}

fn differing(old: &BTreeMap<Uuid, Item>, new: &BTreeMap<Uuid, Item>) -> Vec<Uuid> {
    let ids = old.keys().chain(new.keys());
    ids.filter(|id| old.get(id) != new.get(id))
        .copied()
        .collect()
}

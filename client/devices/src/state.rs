//! The state of a server, as all devices of its user must have it in the end.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::Server;

/// What the server has of one user.
#[derive(Debug, Default)]
pub struct State {
    /// The tasks that are not deleted.
    pub tasks: BTreeMap<Uuid, Value>,
    /// The version of each task, deleted or not.
    pub versions: BTreeMap<Uuid, u64>,
    pub series: BTreeMap<Uuid, Value>,
    pub reminders: BTreeMap<Uuid, Value>,
    pub notifications: BTreeMap<Uuid, Value>,
    /// Null if it has never changed.
    pub account: Value,
}

impl Server {
    pub fn state(&self) -> State {
        let alive = self.tasks.iter().filter(|(_, record)| record.is_alive());
        let versions = self.tasks.iter();
        State {
            tasks: alive
                .map(|(id, record)| (*id, json!(record.task)))
                .collect(),
            versions: versions
                .map(|(id, record)| (*id, record.version()))
                .collect(),
            series: self.series.clone(),
            reminders: self.reminders.clone(),
            notifications: self.notifications.clone(),
            account: self.account.clone(),
        }
    }
}

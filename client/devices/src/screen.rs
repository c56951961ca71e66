//! A screen that shows what the engine says has changed.

use std::collections::BTreeMap;

use client::changes::Changes;
use client::engine::Engine;
use client::task::{Item, Task};
use serde_json::Value;
use uuid::Uuid;

/// What a person sees. It is updated only where the engine says that something has changed.
#[derive(Debug, Default, PartialEq)]
pub struct Screen {
    pub tasks: BTreeMap<Uuid, Task>,
    series: BTreeMap<Uuid, Item>,
    reminders: BTreeMap<Uuid, Item>,
    notifications: BTreeMap<Uuid, Item>,
    account: Option<Value>,
}

impl Screen {
    /// All that the engine has.
    pub fn of(engine: &Engine) -> Self {
        let store = engine.store();
        Self {
            tasks: engine.tasks().map(|task| (task.id, task)).collect(),
            series: store.series().clone(),
            reminders: store.reminders().clone(),
            notifications: store.notifications().clone(),
            account: store.account().cloned(),
        }
    }

    pub fn follow(&mut self, engine: &Engine, changes: &Changes) {
        fn copy<T: Clone>(screen: &mut BTreeMap<Uuid, T>, id: &Uuid, now: Option<T>) {
            match now {
                Some(now) => screen.insert(*id, now),
                None => screen.remove(id),
            };
        }
        let store = engine.store();
        for id in &changes.tasks {
            copy(&mut self.tasks, id, engine.task(*id));
        }
        for id in &changes.series {
            copy(&mut self.series, id, store.series().get(id).cloned());
        }
        for id in &changes.reminders {
            copy(&mut self.reminders, id, store.reminders().get(id).cloned());
        }
        for id in &changes.notifications {
            copy(
                &mut self.notifications,
                id,
                store.notifications().get(id).cloned(),
            );
        }
        if changes.account {
            self.account = store.account().cloned();
        }
    }
}

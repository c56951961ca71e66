//! The view: what the server has said, with the unconfirmed operations on top.

use uuid::Uuid;

use super::Engine;
use crate::changes::Changes;
use crate::operation::Operation;
use crate::store::{Entry, Store};
use crate::task::{Item, Task};

impl Engine {
    /// A task as the person sees it, deleted or not.
    pub fn task(&self, id: Uuid) -> Option<Task> {
        let stored = self.store.entry(&id).and_then(Entry::known).cloned();
        self.queue
            .of(id)
            .fold(stored, |task, operation| operation.apply(task))
    }

    /// All tasks as the person sees them, in the order of their ids. A deleted task has `deleted_at`.
    pub fn tasks(&self) -> impl Iterator<Item = Task> {
        let mut ids = self.queue.tasks();
        let pending = ids.clone();
        ids.extend(self.store.entries().map(|entry| entry.task.id));
        ids.into_iter()
            .filter_map(move |id| match pending.contains(&id) {
                true => self.task(id),
                false => self.store.entry(&id).and_then(Entry::known).cloned(),
            })
    }

    /// The reminders as the person sees them.
    pub fn reminders(&self) -> impl Iterator<Item = Item> {
        self.store.reminders().values().map(|reminder| {
            let mut reminder = reminder.clone();
            for operation in self.queue.operations() {
                operation.answer(&mut reminder);
            }
            reminder
        })
    }

    /// What the server has said. Series, notifications and the account are shown as they are there.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The operations that the server has not confirmed, in the order in which they were made.
    pub fn pending(&self) -> &[Operation] {
        self.queue.operations()
    }

    /// Forgets what the server has forgotten, see [`Store::forget`].
    pub fn forget(&mut self, deleted_before: &str, notified_before: &str) -> Changes {
        let ids = self.store.entries().map(|entry| entry.task.id).collect();
        self.observe(ids, |engine, changes| {
            engine
                .store
                .forget(deleted_before, notified_before, changes);
        })
    }

    /// Does something and says which of these tasks it has changed in the view.
    pub(crate) fn observe(
        &mut self,
        ids: Vec<Uuid>,
        work: impl FnOnce(&mut Self, &mut Changes),
    ) -> Changes {
        let before: Vec<_> = ids.iter().map(|id| self.task(*id)).collect();
        let mut changes = Changes::default();
        work(self, &mut changes);
        let changed = ids.into_iter().zip(before);
        let changed = changed.filter(|(id, before)| self.task(*id) != *before);
        changes.tasks.extend(changed.map(|(id, _)| id));
        changes
    }
}

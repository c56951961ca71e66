//! The operations that the server has not confirmed, and the batch of them that is on its way.

mod refused;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::answer::{Outcome, Verdict};
use crate::operation::{Change, Operation};
use crate::sent::Sent;
use crate::store::Store;
use crate::task::{Fields, from_members, member, texts};
use crate::undo::substitute;

/// Maximum number of operations in one batch.
pub const MAX_OPERATIONS: usize = 100;
/// Size in bytes above which a batch gets no further operation. The API takes bodies of up to 1 MiB.
const ENOUGH_BYTES: usize = 512 * 1024;

/// The unconfirmed operations in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Queue {
    operations: Vec<Operation>,
    /// The batch that was sent and whose answer has not come. It is sent again, as it is, until its answer comes.
    batch: Vec<Sent>,
}

from_members!(Queue { operations, batch });

impl Queue {
    /// All operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operations on a task.
    pub fn of(&self, task: Uuid) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(move |o| o.task_id == task)
    }

    /// The task of an operation.
    pub fn task_of(&self, op_id: Uuid) -> Option<Uuid> {
        let operation = self.operations.iter().find(|o| o.op_id == op_id);
        operation.map(|operation| operation.task_id)
    }

    /// The tasks that have unconfirmed operations.
    pub fn tasks(&self) -> BTreeSet<Uuid> {
        let mut tasks = BTreeSet::new();
        tasks.extend(self.operations.iter().map(|o| o.task_id));
        tasks
    }

    /// Queues an operation. One that follows another of its kind on the same task is joined with it, unless that was sent. What leads
    /// back to the values before it is dropped.
    pub fn push(&mut self, new: Operation) {
        let last = self
            .operations
            .iter()
            .rposition(|o| o.task_id == new.task_id);
        let before = last.and_then(|at| self.operations.get(at));
        let unsent = before.filter(|before| !self.is_sent(before.op_id));
        if let Some(at) = last.filter(|_| unsent.is_some_and(|before| cancels(before, &new))) {
            self.operations.remove(at);
            return;
        }
        let mut operation = new;
        if let (Some(at), Some(joined)) = (last, unsent.and_then(|before| join(before, &operation)))
        {
            self.operations.remove(at);
            operation = joined;
        }
        if !is_void(&mut operation) {
            self.operations.push(operation);
        }
    }

    /// The version on which operations on a task are based that hide what others change meanwhile, and bring none of it into the conflict
    /// log: what is on its way, and what does nothing on the server if others have closed or opened the task. 0 for a create.
    pub fn hiding_base(&self, task: Uuid) -> Option<u64> {
        let sent = self.batch.iter().find(|sent| sent.task_id == task);
        let sent = sent.map(|sent| sent.base_version.unwrap_or(0));
        let may_be_void = |o: &&Operation| matches!(o.change, Change::Skip | Change::Reopen);
        let void = self.of(task).filter(may_be_void).map(|o| o.base);
        void.chain(sent).min()
    }

    fn is_sent(&self, op_id: Uuid) -> bool {
        self.batch.iter().any(|sent| sent.op_id == op_id)
    }

    /// The batch to send: the one whose answer has not come, or a new one. A new batch has at most one operation of a task, because
    /// the next one depends on the server's answer. Empty if there is nothing to send.
    pub fn batch(&mut self, store: &Store) -> &[Sent] {
        if self.batch.is_empty() {
            let (mut tasks, mut bytes) = (BTreeSet::new(), 0);
            for operation in &self.operations {
                if !tasks.insert(operation.task_id) {
                    continue;
                }
                let sent = Sent::new(operation, store);
                bytes += serde_json::to_string(&sent).map_or(0, |text| text.len());
                let is_full = self.batch.len() == MAX_OPERATIONS || bytes > ENOUGH_BYTES;
                if is_full && !self.batch.is_empty() {
                    break;
                }
                self.batch.push(sent);
            }
        }
        &self.batch
    }

    /// Whether these are the results of the batch: one for each operation, in order.
    pub fn is_answered_by(&self, results: &[Outcome]) -> bool {
        let sent = self.batch.iter().map(|sent| sent.op_id);
        sent.eq(results.iter().map(|result| result.op_id))
    }

    /// Takes the operation of a result out, and returns it with the base that it was sent with. The operations on the same task that follow were made after it, so what the server has
    /// made of it counts as seen.
    pub fn settle(&mut self, result: &Outcome) -> Option<(Operation, u64)> {
        let sent = self
            .batch
            .iter()
            .position(|sent| sent.op_id == result.op_id)?;
        let base = self.batch.remove(sent).base_version.unwrap_or(0);
        let at = self
            .operations
            .iter()
            .position(|o| o.op_id == result.op_id)?;
        let settled = self.operations.remove(at);
        let Some(task) = result.task.as_ref() else {
            return Some((settled, base));
        };
        let later = self.operations.iter_mut();
        for operation in later.filter(|o| o.task_id == settled.task_id) {
            if matches!(operation.change, Change::Tags { .. }) && task.is_alive() {
                operation.seen = member("tags", task.field("tags").clone());
                operation.base = task.version;
                continue;
            }
            // Nobody else has changed the task since a version that was seen. Of a pause or an answer to a reminder, the result does not say so.
            let says_so = !matches!(
                settled.change,
                Change::Pause | Change::Resume | Change::Snooze { .. } | Change::Ack { .. }
            );
            if says_so && result.result == Verdict::Applied && base <= operation.base {
                operation.base = operation.base.max(task.version);
            }
            substitute(&mut operation.seen, &settled, result.result, task);
        }
        Some((settled, base))
    }
}

/// Whether an operation only takes back the one before it. A deletion after a restoration may be for more of a series than the one before it.
fn cancels(before: &Operation, new: &Operation) -> bool {
    (before.change == Change::Delete || new.scope.is_none())
        && matches!(
            (&before.change, &new.change),
            (Change::Delete, Change::Restore)
                | (Change::Restore, Change::Delete)
                | (Change::Pause, Change::Resume)
                | (Change::Resume, Change::Pause)
        )
}

/// Both operations as one, if they can be one. It has the id of the first.
fn join(before: &Operation, new: &Operation) -> Option<Operation> {
    if before.scope != new.scope {
        return None;
    }
    let mut joined = before.clone();
    if !matches!(before.change, Change::Create(_)) {
        joined.at.clone_from(&new.at);
    }
    match (&mut joined.change, &new.change) {
        (Change::Create(fields), Change::Update(_) | Change::Reminders(_)) => {
            fields.extend(new.change.sets().into_iter().flatten());
        }
        (Change::Create(fields), change @ Change::Tags { .. }) => {
            let tags = texts(fields.get("tags").unwrap_or(&Value::Null));
            fields.insert("tags".to_owned(), change.tag(tags).into());
        }
        (Change::Update(fields), Change::Update(later)) => {
            for (name, value) in &new.seen {
                joined.seen.entry(name).or_insert_with(|| value.clone());
            }
            fields.extend(later.clone());
            joined.base = before.base.min(new.base);
        }
        (Change::Reminders(list), Change::Reminders(later)) => list.clone_from(later),
        (
            Change::Tags { add, remove },
            Change::Tags {
                add: more,
                remove: less,
            },
        ) => {
            cancel(add, remove, less);
            cancel(remove, add, more);
            joined.seen.clone_from(&new.seen);
            joined.base = new.base;
        }
        _ => return None,
    }
    Some(joined)
}

/// Adds to `side` the tags that are not on the other side; those that are leave it.
fn cancel(other: &mut Vec<String>, side: &mut Vec<String>, tags: &[String]) {
    for tag in tags {
        match other.iter().position(|held| held == tag) {
            Some(at) => drop(other.remove(at)),
            None => side.push(tag.clone()),
        }
    }
}

/// Removes from an update what sets the value that was there. Says whether nothing is left of it.
fn is_void(operation: &mut Operation) -> bool {
    match &mut operation.change {
        Change::Update(fields) => {
            // A recurrence is sent with the due date that it begins with. One that was there before is not sent.
            let changes = |name: &str, value: &Value| operation.seen.get(name) != Some(value);
            let recurrence = fields.get("recurrence");
            let recurs =
                recurrence.is_some_and(|new| new.is_object() && changes("recurrence", new));
            fields.retain(|name, value| changes(name, value) || (recurs && name == "due"));
            operation.seen.retain(|name, _| fields.contains_key(name));
            fields.is_empty()
        }
        Change::Tags { add, remove } => add.is_empty() && remove.is_empty(),
        _ => false,
    }
}

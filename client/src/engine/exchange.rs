//! Requests to the server, their answers, and what comes over the live connection.

use std::fmt;

use uuid::Uuid;

use super::Engine;
use crate::answer::{Answer, Call, Outcome, Page, Request, Verdict};
use crate::changes::{Changes, Remark};
use crate::link::Asked;
use crate::live::{Kind, Message};
use crate::operation::Operation;
use crate::store::{Delta, Store};

/// An answer that does not belong to its request. The request counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer does not belong to the request")
    }
}

impl std::error::Error for Mismatch {}

impl Engine {
    /// The request to send next; `None` if one is on its way or none is due. After a failure this is the same request again; when to send
    /// it is up to the caller.
    pub fn next_request(&mut self) -> Option<Request> {
        if self.link.is_busy() {
            return None;
        }
        // Pages that belong together come first, and then what the person has done.
        if !self.paging {
            let operations = self.queue.batch(&self.store).to_vec();
            if !operations.is_empty() {
                let number = self.link.ask(Asked::Push);
                let call = Call::Push { operations };
                return Some(Request { number, call });
            }
            if !self.link.wants_pull(self.store.seq) {
                return None;
            }
        }
        let number = self.link.ask(Asked::Pull);
        let cursor = self.rebuilt.as_ref().unwrap_or(&self.store).cursor.clone();
        let call = Call::Pull { cursor };
        Some(Request { number, call })
    }

    /// Whether a request is due.
    pub fn is_due(&self) -> bool {
        let waits = !self.queue.operations().is_empty();
        !self.link.is_busy() && (self.paging || waits || self.link.wants_pull(self.store.seq))
    }

    /// Asks for a pull, for a caller that has no live connection or a person who does not trust it.
    pub fn refresh(&mut self) {
        self.link.behind();
    }

    /// Takes in what has become of a request. The answer to a request that was given up is ignored.
    ///
    /// # Errors
    /// The answer is of another kind than the request, or its results are not those of the batch. Nothing has changed.
    pub fn answer(&mut self, number: u64, answer: Answer) -> Result<Changes, Mismatch> {
        let Some(asked) = self.link.answered(number) else {
            return Ok(Changes::default());
        };
        match (asked, answer) {
            (Asked::Pull, Answer::Page(page)) => return Ok(self.page(page)),
            (Asked::Pull, Answer::Unchanged) => self.link.level(),
            (Asked::Pull, Answer::Resync) => {
                self.rebuilt = Some(Store::default());
                self.paging = true;
            }
            (Asked::Push, Answer::Results(answer))
                if self.queue.is_answered_by(&answer.results) =>
            {
                return Ok(self.results(answer.results));
            }
            (Asked::Push, Answer::Refused(problem)) => {
                let rejected = self.queue.refuse(problem);
                return Ok(self.results(rejected.into_iter().collect()));
            }
            (Asked::Push, Answer::Failed) => {}
            (Asked::Pull, Answer::Failed | Answer::Refused(_)) => self.link.behind(),
            (Asked::Pull, Answer::Results(_)) => {
                self.link.behind();
                return Err(Mismatch);
            }
            (
                Asked::Push,
                Answer::Page(_) | Answer::Unchanged | Answer::Resync | Answer::Results(_),
            ) => {
                return Err(Mismatch);
            }
        }
        Ok(Changes::default())
    }

    fn page(&mut self, page: Page) -> Changes {
        let mut ids: Vec<Uuid> = page.changes.iter().map(|task| task.id).collect();
        // The last page replaces all that was shown.
        if let Some(rebuilt) = self.rebuilt.as_ref().filter(|_| !page.more) {
            let entries = rebuilt.entries().chain(self.store.entries());
            ids.extend(entries.map(|entry| entry.task.id));
        }
        self.observe(ids, |engine, changes| {
            let store = engine.rebuilt.as_mut().unwrap_or(&mut engine.store);
            let delta = Delta {
                changes: page.changes,
                series: page.series,
                reminders: page.reminders,
                notifications: page.notifications,
                account: page.account,
            };
            store.absorb(page.seq, delta, changes);
            store.cursor = Some(page.cursor);
            engine.paging = page.more;
            if page.more {
                return;
            }
            store.seq = store.seq.max(page.seq);
            if let Some(rebuilt) = engine.rebuilt.take() {
                // Live messages may have told of more than the pages have.
                if engine.store.seq > rebuilt.seq {
                    engine.link.behind();
                }
                changes.replaced(&engine.store, &rebuilt);
                engine.store = rebuilt;
            }
        })
    }

    fn results(&mut self, results: Vec<Outcome>) -> Changes {
        let ids = results
            .iter()
            .filter_map(|result| self.queue.task_of(result.op_id))
            .collect();
        self.observe(ids, |engine, changes| {
            for result in results {
                let Some((operation, base)) = engine.queue.settle(&result) else {
                    continue;
                };
                if operation.change.reminder().is_some() {
                    engine.answered(&operation, result.result, changes);
                }
                if let Some(task) = result.task {
                    engine.history.settle(&operation, result.result, &task);
                    engine.link.told(task.seq);
                    let delta = Delta {
                        changes: vec![task],
                        ..Delta::default()
                    };
                    engine.store.absorb(0, delta, changes);
                } else if result.result != Verdict::Rejected {
                    // The answer to a deletion does not say which number it has.
                    engine.store.bury(operation.task_id, base, &operation.at);
                    engine.link.behind();
                }
                if result.result != Verdict::Applied {
                    changes.remarks.push(Remark {
                        operation,
                        result: result.result,
                        restored: result.restored,
                        conflicts: result.conflicts,
                        problem: result.problem,
                    });
                }
            }
        })
    }

    /// The answer does not have the reminder, which shows what the server last said until a pull brings more. Others may have changed it since.
    fn answered(&mut self, operation: &Operation, verdict: Verdict, changes: &mut Changes) {
        changes.reminders.extend(operation.change.reminder());
        if verdict != Verdict::Rejected {
            self.link.behind();
        }
    }

    /// Takes in a message of the live connection. A number that does not follow the last one means that something was missed.
    pub fn hear(&mut self, message: Message) -> Changes {
        let next = self.store.seq + 1;
        match message.kind {
            Kind::Hello => self.link.live(true),
            Kind::Changed | Kind::Gone | Kind::Notification if message.seq == next => {
                return self.change(message);
            }
            Kind::Changed | Kind::Gone | Kind::Notification | Kind::Resync | Kind::Unknown => {
                if message.seq >= next {
                    self.link.behind();
                }
            }
        }
        Changes::default()
    }

    fn change(&mut self, message: Message) -> Changes {
        let Message { seq, delta, .. } = message;
        let ids: Vec<Uuid> = delta.changes.iter().map(|task| task.id).collect();
        let held = ids
            .iter()
            .filter_map(|id| self.store.entry(id))
            .map(|entry| &entry.task);
        // Series and reminders that change together with a task have no message of their own.
        if held.chain(&delta.changes).any(|task| task.has_company()) {
            self.link.behind();
        }
        self.observe(ids, |engine, changes| {
            engine.store.absorb(seq, delta, changes);
            engine.store.seq = seq;
        })
    }

    /// Notes that the live connection has ended.
    pub fn unplugged(&mut self) {
        self.link.live(false);
    }
}

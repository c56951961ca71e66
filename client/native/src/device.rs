//! A device: the engine, kept in the store. Each change is saved in the transaction that has read the state before it, so no process
//! overwrites what another one has saved.

mod numbers;
mod undo;

use std::collections::BTreeSet;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use client::answer::{Answer, Request, Verdict};
use client::changes::{Changes, Remark};
use client::engine::{Edit, Engine};
use client::live::Message;
use client::operation::{Change, Scope};
use serde_json::json;
use uuid::Uuid;

use crate::error::Error;
use crate::home::Home;
use crate::store::{DONE, Store, TOLD, Transaction, Versions};

/// The days for which the server keeps tombstones and notifications.
const TOMBSTONE_DAYS: i64 = 30;
const NOTIFICATION_DAYS: i64 = 90;

pub struct Device {
    home: Home,
    store: Store,
    known: Known,
    /// What the server has not simply applied since somebody asked.
    remarks: Vec<Remark>,
}

/// The state as this process knows it.
struct Known {
    engine: Engine,
    versions: Versions,
    /// The smaller part as it was saved last.
    done: String,
    /// The tasks that have changed in the view since somebody asked, whoever has changed them.
    news: BTreeSet<Uuid>,
}

/// Which parts a change may touch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Touches {
    Done,
    Both,
}

impl Device {
    /// Opens the device of a home folder.
    ///
    /// # Errors
    /// The store cannot be read, or is of a newer version.
    pub fn open(home: Home) -> Result<Self, Error> {
        let store = Store::open(&home.file("tasks.db"))?;
        let mut device = Self {
            home,
            store,
            known: Known {
                engine: Engine::new(),
                versions: Versions::default(),
                done: String::new(),
                news: BTreeSet::new(),
            },
            remarks: Vec::new(),
        };
        device.refresh()?;
        device.known.news.clear();
        Ok(device)
    }

    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The state as this process knows it.
    pub fn engine(&self) -> &Engine {
        &self.known.engine
    }

    /// Whether a request to the server is due.
    pub fn is_due(&self) -> bool {
        self.known.engine.is_due()
    }

    /// Takes over what other processes have saved since.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn refresh(&mut self) -> Result<(), Error> {
        self.known.catch_up(&self.store.read()?)
    }

    /// The tasks that have changed in the view since the last call.
    pub fn take_news(&mut self) -> BTreeSet<Uuid> {
        std::mem::take(&mut self.known.news)
    }

    /// What the server has merged, found in conflict or rejected since the last call.
    pub fn take_remarks(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.remarks)
    }

    /// Does this to tasks, as one step for undo. Nothing is done if one of the changes is refused. `scope` is that of updates and deletions.
    ///
    /// # Errors
    /// The engine refuses a change, or the store fails.
    pub fn edit(
        &mut self,
        changes: Vec<(Uuid, Change)>,
        scope: Option<Scope>,
    ) -> Result<(), Error> {
        self.transact(Touches::Done, |engine, transaction| {
            let (mut all, mut steps) = (Changes::default(), 0);
            for (task_id, change) in changes {
                let edit = Edit {
                    op_id: Uuid::now_v7(),
                    task_id,
                    change,
                    at: now(),
                    scope,
                };
                let changed = engine.edit(edit)?;
                steps += usize::from(!changed.tasks.is_empty());
                all.tasks.extend(changed.tasks);
            }
            undo::note(transaction, steps)?;
            Ok(((), all))
        })
    }

    /// The request to send next. What it sends is saved.
    ///
    /// # Errors
    /// The store fails.
    pub fn next_request(&mut self) -> Result<Option<Request>, Error> {
        self.refresh()?;
        if !self.is_due() {
            return Ok(None);
        }
        let mut number = None;
        let saved = self.transact(Touches::Done, |engine, _| {
            let request = engine.next_request();
            number = request.as_ref().map(|request| request.number);
            Ok((request, Changes::default()))
        });
        // What is not saved is not sent.
        if let (Err(_), Some(number)) = (&saved, number) {
            self.give_up(number);
        }
        saved
    }

    /// Notes that no answer to a request comes, so that it is sent again. Nothing of it has to be saved.
    pub fn give_up(&mut self, number: u64) {
        // This answer belongs to each request.
        let _ = self.known.engine.answer(number, Answer::Failed);
    }

    /// Takes in the answer to a request.
    ///
    /// # Errors
    /// The answer does not belong to the request, or the store fails.
    pub fn answer(&mut self, number: u64, answer: Answer) -> Result<(), Error> {
        let touches = match &answer {
            Answer::Unchanged | Answer::Refused(_) | Answer::Failed => Touches::Done,
            Answer::Page(_) | Answer::Resync | Answer::Results(_) => Touches::Both,
        };
        self.transact(touches, |engine, transaction| {
            let changes = engine.answer(number, answer).map_err(|mismatch| {
                let detail = mismatch.to_string();
                Error::NotSpindle {
                    server: "the server".to_owned(),
                    detail,
                }
            })?;
            for remark in &changes.remarks {
                if remark.result == Verdict::Rejected {
                    let value = json!({
                        "task_id": remark.operation.task_id,
                        "change": remark.operation.change,
                        "problem": remark.problem,
                        "at": remark.operation.at,
                    });
                    transaction
                        .keep_rejected(&remark.operation.op_id.to_string(), &value.to_string())?;
                }
            }
            Ok(((), changes))
        })
    }

    /// Takes in messages of the live connection.
    ///
    /// # Errors
    /// The store fails.
    pub fn hear(&mut self, messages: Vec<Message>) -> Result<(), Error> {
        self.refresh()?;
        let before = self.known.engine.store().seq;
        let heard = |engine: &mut Engine, messages: Vec<Message>| {
            let mut all = Changes::default();
            for message in messages {
                all.tasks.extend(engine.hear(message).tasks);
            }
            all
        };
        // Most messages are about what this device has fetched already, and then there is nothing to save.
        if messages.iter().all(|message| message.seq <= before) {
            let changes = heard(&mut self.known.engine, messages);
            self.known.news.extend(changes.tasks);
            return Ok(());
        }
        self.transact(Touches::Both, |engine, _| Ok(((), heard(engine, messages))))
    }

    /// Notes that the live connection has ended.
    pub fn unplugged(&mut self) {
        self.known.engine.unplugged();
    }

    /// Asks for a pull by the next exchange.
    pub fn ask_for_pull(&mut self) {
        self.known.engine.refresh();
    }

    /// Forgets what the server has forgotten.
    ///
    /// # Errors
    /// The store fails.
    pub fn forget_old(&mut self) -> Result<(), Error> {
        let before =
            |days| written(DateTime::<Utc>::from(SystemTime::now()) - TimeDelta::days(days));
        let (deleted, notified) = (before(TOMBSTONE_DAYS), before(NOTIFICATION_DAYS));
        self.transact(Touches::Both, |engine, _| {
            Ok(((), engine.forget(&deleted, &notified)))
        })
    }

    /// Reads a note that outlives the process.
    ///
    /// # Errors
    /// The store fails.
    pub fn note(&mut self, name: &str) -> Result<Option<String>, Error> {
        self.store.read()?.note(name)
    }

    /// Writes a note that outlives the process.
    ///
    /// # Errors
    /// The store fails.
    pub fn write_note(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let transaction = self.store.begin()?;
        transaction.write_note(name, value)?;
        transaction.commit()
    }

    /// What the server has rejected, as JSON objects with `task_id`, `change`, `problem` and `at`.
    ///
    /// # Errors
    /// The store fails.
    pub fn rejected(&mut self) -> Result<Vec<serde_json::Value>, Error> {
        let rows = self.store.read()?.rejected()?;
        let rows = rows.iter().map(|row| serde_json::from_str(row));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets what the server has rejected.
    ///
    /// # Errors
    /// The store fails.
    pub fn forget_rejected(&mut self) -> Result<(), Error> {
        let transaction = self.store.begin()?;
        transaction.forget_rejected()?;
        transaction.commit()
    }

    fn transact<T>(
        &mut self,
        touches: Touches,
        work: impl FnOnce(&mut Engine, &Transaction<'_>) -> Result<(T, Changes), Error>,
    ) -> Result<T, Error> {
        let transaction = self.store.begin()?;
        let known = &mut self.known;
        known.catch_up(&transaction)?;
        // Should anything fail from here on, the next transaction reads both parts again.
        let mut versions = std::mem::replace(&mut known.versions, Versions::UNREAD);
        let (value, changes) = work(&mut known.engine, &transaction)?;
        let done = known.engine.save_done()?;
        if done != known.done {
            versions.done = transaction.save(DONE, &done)?;
            known.done = done;
        }
        if touches == Touches::Both {
            versions.told = transaction.save(TOLD, &known.engine.save_told()?)?;
        }
        transaction.commit()?;
        known.versions = versions;
        known.news.extend(changes.tasks);
        self.remarks.extend(changes.remarks);
        Ok(value)
    }
}

impl Known {
    /// Takes over what other processes have saved since.
    fn catch_up(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let versions = transaction.versions()?;
        let part = |name: &str, is_new: bool| match is_new {
            true => transaction.part(name),
            false => Ok(None),
        };
        let told = part(TOLD, versions.told != self.versions.told)?;
        let done = part(DONE, versions.done != self.versions.done)?;
        if told.is_some() || done.is_some() {
            if self.versions == Versions::default() {
                self.engine = Engine::load_parts(told.as_deref(), done.as_deref())?;
            } else {
                let changes = self.engine.reload(told.as_deref(), done.as_deref())?;
                self.news.extend(changes.tasks);
            }
            self.done = done.unwrap_or(std::mem::take(&mut self.done));
        }
        self.versions = versions;
        Ok(())
    }
}

/// The time by this machine's clock, as the server writes times.
pub fn now() -> String {
    written(SystemTime::now().into())
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

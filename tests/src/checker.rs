//! Checks delivery: compares the acknowledged writes with the audit trail, the tasks, the outbox and the responses of the API.

mod reminders;
mod series;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::acknowledged::AcknowledgedWrites;
use crate::client::{Requests, User, number};
use crate::wait;

/// The time limit for the delivery of all acknowledged writes, from when nothing is broken any more.
const RECOVERY_LIMIT: Duration = Duration::from_secs(60);

/// One task event on the audit trail, as the database or the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    seq: i64,
    task: Uuid,
    version: i64,
    kind: String,
    event: Uuid,
}

/// Waits until the outbox is empty, so every event has reached the log.
///
/// # Errors
/// Rows are left at the limit; the error shows one of them.
pub async fn outbox_is_empty(database: &Client, limit: Duration) -> Result<()> {
    wait::until("the outbox is empty", limit, async || {
        let row = database
            .query_one(include_str!("../sql/outbox_size.sql"), &[])
            .await?;
        let (waiting, first): (i64, Option<String>) = (row.get(0), row.get(1));
        ensure!(
            waiting == 0,
            "{waiting} rows are left, the first is {}",
            first.unwrap_or_default()
        );
        Ok(Some(()))
    })
    .await
}

/// Checks everything that some users wrote.
pub struct Checker<'a> {
    database: &'a Client,
    users: &'a [User],
    /// A replayed event, which comes after later ones.
    replayed: Option<Uuid>,
}

impl<'a> Checker<'a> {
    #[must_use]
    pub fn new(database: &'a Client, users: &'a [User]) -> Self {
        Self {
            database,
            users,
            replayed: None,
        }
    }

    /// Expects this event out of order, because it was a dead letter and was replayed.
    #[must_use]
    pub fn replayed(mut self, event: Uuid) -> Self {
        self.replayed = Some(event);
        self
    }

    fn ids(&self) -> Vec<Uuid> {
        self.users.iter().map(|user| user.id).collect()
    }

    /// Waits until the outbox is empty and every version of every task is on the audit trail.
    ///
    /// # Errors
    /// Names what is missing at the limit.
    pub async fn wait_for_delivery(&self) -> Result<()> {
        let ids = self.ids();
        outbox_is_empty(self.database, RECOVERY_LIMIT).await?;
        wait::until(
            "every version of every task is on the audit trail",
            RECOVERY_LIMIT,
            async || {
                let row = self
                    .database
                    .query_one(include_str!("../sql/missing_versions.sql"), &[&ids])
                    .await?;
                let (missing, first): (i64, Option<String>) = (row.get(0), row.get(1));
                ensure!(
                    missing == 0,
                    "{missing} are missing, the first is {}",
                    first.unwrap_or_default()
                );
                Ok(Some(()))
            },
        )
        .await
    }

    /// Waits for delivery, then checks that every acknowledged write is on the trail exactly once and in order, that tasks, trail
    /// and API agree, that each completion of a recurring task has led to one next occurrence, that reminders fired as promised, and
    /// that the hash chains verify.
    ///
    /// # Errors
    /// Names the guarantee that does not hold.
    pub async fn check_delivery(&self, acknowledged: &AcknowledgedWrites) -> Result<()> {
        series::wait_for_occurrences(self.database, acknowledged, RECOVERY_LIMIT).await?;
        self.wait_for_delivery().await?;
        series::occurrences_are_there_once(self.database, acknowledged).await?;
        self.check_reminders().await?;
        let trail = self.trail().await?;
        every_write_is_there_once(acknowledged, &trail)?;
        versions_are_contiguous(&trail)?;
        users_are_in_order(&trail, self.replayed)?;
        self.tasks_match_trail(&trail).await?;
        let ids = self.ids();
        let duplicates = self
            .database
            .query(include_str!("../sql/duplicate_events.sql"), &[&ids])
            .await?;
        ensure!(
            duplicates.is_empty(),
            "{} events are on the trail more than once",
            duplicates.len()
        );
        for user in self.users {
            let mine: BTreeSet<_> = trail.get(&user.id).into_iter().flatten().cloned().collect();
            api_matches_trail(user, &mine).await?;
            hash_chain_verifies(user).await?;
        }
        Ok(())
    }

    /// Waits for delivery, then checks that each user's sequence numbers from 1 to the last one belong to one event for clients each, as
    /// far as the log is in Postgres, and that no two task events have the same number.
    ///
    /// # Errors
    /// Names a user with a gap or with a number that was used twice.
    pub async fn check_sequence_numbers(&self) -> Result<()> {
        self.wait_for_delivery().await?;
        let ids = self.ids();
        let statement = include_str!("../sql/sequence_numbers.sql");
        for row in self.database.query(statement, &[&ids]).await? {
            let (user, last): (Uuid, i64) = (row.get(0), row.get(1));
            let (events, numbers): (i64, i64) = (row.get(2), row.get(3));
            ensure!(
                events == numbers && numbers <= last,
                "user {user} is at sequence number {last}, with {events} task events of {numbers} numbers"
            );
            let (updates, numbers): (Option<i64>, Option<i64>) = (row.get(4), row.get(5));
            ensure!(
                [updates, numbers]
                    .into_iter()
                    .flatten()
                    .all(|count| count == last),
                "user {user} is at sequence number {last}, with {updates:?} events for clients of {numbers:?} numbers"
            );
        }
        Ok(())
    }

    /// Waits until reminders are as promised: each has fired when it was due, once and only for an open task, and the audit trail says
    /// what became of its deliveries.
    ///
    /// # Errors
    /// Names a reminder that is not, and why, at the limit.
    pub async fn check_reminders(&self) -> Result<()> {
        reminders::wait_for_reminders(self.database, &self.ids(), RECOVERY_LIMIT).await
    }

    /// The task entries in the database by user, in chain order.
    async fn trail(&self) -> Result<BTreeMap<Uuid, Vec<Entry>>> {
        let mut trail: BTreeMap<Uuid, Vec<Entry>> = BTreeMap::new();
        for row in self
            .database
            .query(include_str!("../sql/trail_entries.sql"), &[&self.ids()])
            .await?
        {
            let entry = Entry {
                seq: row.get(5),
                task: row.get(1),
                version: row.get(2),
                kind: row.get(3),
                event: row.get(4),
            };
            trail.entry(row.get(0)).or_default().push(entry);
        }
        Ok(trail)
    }

    /// Checks that each task has the version of its last entry. This covers writes that were not acknowledged, too.
    async fn tasks_match_trail(&self, trail: &BTreeMap<Uuid, Vec<Entry>>) -> Result<()> {
        let mut last: BTreeMap<Uuid, i64> = BTreeMap::new();
        for entry in trail.values().flatten() {
            let version = last.entry(entry.task).or_default();
            *version = entry.version.max(*version);
        }
        for row in self
            .database
            .query(include_str!("../sql/task_versions.sql"), &[&self.ids()])
            .await?
        {
            let (task, version): (Uuid, i64) = (row.get(0), row.get(1));
            let delivered = last.remove(&task).unwrap_or_default();
            ensure!(
                delivered == version,
                "task {task} is at version {version}, its last entry has {delivered}"
            );
        }
        ensure!(
            last.is_empty(),
            "on the trail, but not in the table tasks: {last:?}"
        );
        Ok(())
    }
}

/// Checks that every acknowledged write is on the trail exactly once, with its user, version and event type.
fn every_write_is_there_once(
    acknowledged: &AcknowledgedWrites,
    trail: &BTreeMap<Uuid, Vec<Entry>>,
) -> Result<()> {
    let mut found: BTreeMap<(Uuid, Uuid, i64, &str), usize> = BTreeMap::new();
    for (user, entries) in trail {
        for entry in entries {
            *found
                .entry((*user, entry.task, entry.version, entry.kind.as_str()))
                .or_default() += 1;
        }
    }
    let (mut missing, mut duplicates) = (Vec::new(), Vec::new());
    for write in acknowledged.iter() {
        match found.get(&(write.user, write.task, write.version, write.kind)) {
            None => missing.push(write),
            Some(1) => {}
            Some(_) => duplicates.push(write),
        }
    }
    ensure!(
        missing.is_empty(),
        "{} acknowledged writes are not on the trail, such as {:?}",
        missing.len(),
        missing.first()
    );
    ensure!(
        duplicates.is_empty(),
        "{} acknowledged writes are on the trail more than once, such as {:?}",
        duplicates.len(),
        duplicates.first()
    );
    Ok(())
}

/// Checks that the entries of each task have the versions 1, 2, 3 … in chain order.
fn versions_are_contiguous(trail: &BTreeMap<Uuid, Vec<Entry>>) -> Result<()> {
    let mut next: BTreeMap<Uuid, i64> = BTreeMap::new();
    for entry in trail.values().flatten() {
        let version = next.entry(entry.task).or_insert(1);
        ensure!(
            entry.version == *version,
            "task {}: version {} follows {}",
            entry.task,
            entry.version,
            *version - 1
        );
        *version += 1;
    }
    Ok(())
}

/// Checks that the entries of each user, except a replayed one, ascend by sequence number in chain order.
fn users_are_in_order(trail: &BTreeMap<Uuid, Vec<Entry>>, replayed: Option<Uuid>) -> Result<()> {
    for (user, entries) in trail {
        let entries: Vec<&Entry> = entries
            .iter()
            .filter(|entry| Some(entry.event) != replayed)
            .collect();
        for (before, after) in entries.iter().zip(entries.iter().skip(1)) {
            ensure!(
                before.seq < after.seq,
                "user {user}: event {} follows event {}",
                after.seq,
                before.seq
            );
        }
    }
    Ok(())
}

/// Checks that `/api/audit` lists the entries of the database, and that a task's history lists those of the task.
async fn api_matches_trail(user: &User, mine: &BTreeSet<Entry>) -> Result<()> {
    let items = user.pages("/api/audit?limit=200").await?;
    let shown = of_tasks(&items).map(entry).collect::<Result<Vec<_>>>()?;
    let set: BTreeSet<_> = shown.iter().cloned().collect();
    ensure!(set.len() == shown.len(), "/api/audit lists an entry twice");
    let differ: Vec<_> = set.symmetric_difference(mine).take(3).collect();
    ensure!(
        differ.is_empty(),
        "/api/audit and audit_logs differ: {differ:?}"
    );
    let Some(one) = mine.first() else {
        return Ok(());
    };
    let history = user
        .pages(&format!("/api/tasks/{}/history", one.task))
        .await?;
    let shown = of_tasks(&history).map(entry);
    let shown = shown.collect::<Result<BTreeSet<_>>>()?;
    let mine: BTreeSet<_> = mine
        .iter()
        .filter(|entry| entry.task == one.task)
        .cloned()
        .collect();
    ensure!(
        shown == mine,
        "the history of task {} differs from its entries",
        one.task
    );
    Ok(())
}

/// The entries that are events of tasks.
fn of_tasks(items: &[Value]) -> impl Iterator<Item = &Value> {
    items.iter().filter(|item| {
        let kind = item["type"].as_str();
        kind.is_some_and(|kind| kind.starts_with("task."))
    })
}

/// An entry of the database from an item of `/api/audit` or of a task's history.
fn entry(item: &Value) -> Result<Entry> {
    let event = item.get("event").unwrap_or(item);
    let task = event
        .pointer("/data/task")
        .context("an entry has no task")?;
    Ok(Entry {
        seq: number(event, "seq")?,
        task: event["subject"]
            .as_str()
            .context("an entry has no subject")?
            .parse()?,
        version: number(task, "version")?,
        kind: event["type"]
            .as_str()
            .context("an entry has no type")?
            .to_owned(),
        event: event["id"]
            .as_str()
            .context("an entry has no id")?
            .parse()?,
    })
}

async fn hash_chain_verifies(user: &User) -> Result<()> {
    let verdict = user
        .get("/api/audit/verify")
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        verdict["ok"] == true,
        "the hash chain of user {} does not verify: {verdict}",
        user.id
    );
    Ok(())
}

//! The judge of delivery: holds what clients were told against the audit trail, the tasks and the outbox.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::client::{Calls, Person, number};
use crate::ledger::Ledger;
use crate::wait;

/// How long what is on its way may take to arrive once nothing is broken any more.
const SETTLED: Duration = Duration::from_secs(60);

/// One entry of the trail, from the database or from the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    task: Uuid,
    version: i64,
    kind: String,
    event: Uuid,
}

/// Judges everything that some people wrote.
pub struct Checker<'a> {
    database: &'a Client,
    people: &'a [Person],
}

impl<'a> Checker<'a> {
    #[must_use]
    pub fn new(database: &'a Client, people: &'a [Person]) -> Self {
        Self { database, people }
    }

    fn ids(&self) -> Vec<Uuid> {
        self.people.iter().map(|person| person.id).collect()
    }

    /// Waits until the outbox is empty and each version of each task has an entry.
    ///
    /// # Errors
    /// Names what did not arrive.
    pub async fn arrived(&self) -> Result<()> {
        let ids = self.ids();
        wait::until("the outbox is empty", SETTLED, async || {
            let row = self
                .database
                .query_one(include_str!("outbox.sql"), &[])
                .await?;
            let (waiting, oldest): (i64, Option<String>) = (row.get(0), row.get(1));
            ensure!(
                waiting == 0,
                "{waiting} rows wait, the first is {}",
                oldest.unwrap_or_default()
            );
            Ok(Some(()))
        })
        .await?;
        wait::until(
            "every version of every task is on the audit trail",
            SETTLED,
            async || {
                let row = self
                    .database
                    .query_one(include_str!("missing.sql"), &[&ids])
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

    /// Waits for what is on its way, then asserts every promise of delivery.
    ///
    /// # Errors
    /// Names the promise that was broken.
    pub async fn settle(&self, ledger: &Ledger) -> Result<()> {
        self.arrived().await?;
        let trail = self.trail().await?;
        told_once(ledger, &trail)?;
        contiguous(&trail)?;
        self.as_tasks_are(&trail).await?;
        let ids = self.ids();
        let doubled = self
            .database
            .query(include_str!("doubled.sql"), &[&ids])
            .await?;
        ensure!(
            doubled.is_empty(),
            "{} events are on the trail more than once",
            doubled.len()
        );
        for person in self.people {
            let mine: BTreeSet<_> = trail
                .get(&person.id)
                .into_iter()
                .flatten()
                .cloned()
                .collect();
            same_through_the_api(person, &mine).await?;
            chain_holds(person).await?;
        }
        Ok(())
    }

    /// Waits for what is on its way, then asserts that each number up to a person's last is that of one task event.
    ///
    /// # Errors
    /// Names somebody with a gap or a number used twice.
    pub async fn gapless(&self) -> Result<()> {
        self.arrived().await?;
        let ids = self.ids();
        let statement = include_str!("gaps.sql");
        for row in self.database.query(statement, &[&ids]).await? {
            let (user, last): (Uuid, i64) = (row.get(0), row.get(1));
            let (events, numbers): (i64, i64) = (row.get(2), row.get(3));
            ensure!(
                events == last && numbers == last,
                "{user} is at number {last}, with {events} task events of {numbers} numbers"
            );
        }
        Ok(())
    }

    /// Task entries by user as the database holds them.
    async fn trail(&self) -> Result<BTreeMap<Uuid, Vec<Entry>>> {
        let mut trail: BTreeMap<Uuid, Vec<Entry>> = BTreeMap::new();
        for row in self
            .database
            .query(include_str!("trail.sql"), &[&self.ids()])
            .await?
        {
            let entry = Entry {
                task: row.get(1),
                version: row.get(2),
                kind: row.get(3),
                event: row.get(4),
            };
            trail.entry(row.get(0)).or_default().push(entry);
        }
        Ok(trail)
    }

    /// Whether acknowledged or not: a task is at the version that its trail ends with.
    async fn as_tasks_are(&self, trail: &BTreeMap<Uuid, Vec<Entry>>) -> Result<()> {
        let mut last: BTreeMap<Uuid, i64> = BTreeMap::new();
        for entry in trail.values().flatten() {
            let version = last.entry(entry.task).or_default();
            *version = entry.version.max(*version);
        }
        for row in self
            .database
            .query(include_str!("tasks.sql"), &[&self.ids()])
            .await?
        {
            let (task, version): (Uuid, i64) = (row.get(0), row.get(1));
            let seen = last.remove(&task).unwrap_or_default();
            ensure!(
                seen == version,
                "task {task} is at version {version}, its trail ends with {seen}"
            );
        }
        ensure!(last.is_empty(), "on the trail, but not in tasks: {last:?}");
        Ok(())
    }
}

/// Every acknowledged write is on the trail exactly once, as what it was.
fn told_once(ledger: &Ledger, trail: &BTreeMap<Uuid, Vec<Entry>>) -> Result<()> {
    let mut found: BTreeMap<(Uuid, Uuid, i64, &str), usize> = BTreeMap::new();
    for (user, entries) in trail {
        for entry in entries {
            *found
                .entry((*user, entry.task, entry.version, entry.kind.as_str()))
                .or_default() += 1;
        }
    }
    let (mut missing, mut doubled) = (Vec::new(), Vec::new());
    for told in ledger.iter() {
        match found.get(&(told.user, told.task, told.version, told.kind)) {
            None => missing.push(told),
            Some(1) => {}
            Some(_) => doubled.push(told),
        }
    }
    ensure!(
        missing.is_empty(),
        "{} acknowledged writes are not on the trail, such as {:?}",
        missing.len(),
        missing.first()
    );
    ensure!(
        doubled.is_empty(),
        "{} acknowledged writes are on it twice, such as {:?}",
        doubled.len(),
        doubled.first()
    );
    Ok(())
}

/// One entry for each version of a task, from 1, with none left out, in the order of the chain.
fn contiguous(trail: &BTreeMap<Uuid, Vec<Entry>>) -> Result<()> {
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

/// What the API says is what the database holds.
async fn same_through_the_api(person: &Person, mine: &BTreeSet<Entry>) -> Result<()> {
    let items = person.pages("/api/audit?limit=200").await?;
    let listed = items.iter().filter(|item| {
        item["type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("task."))
    });
    let shown = listed.map(entry).collect::<Result<Vec<_>>>()?;
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
    let history = person
        .pages(&format!("/api/tasks/{}/history", one.task))
        .await?;
    let shown = history.iter().map(entry).collect::<Result<BTreeSet<_>>>()?;
    let mine: BTreeSet<_> = mine
        .iter()
        .filter(|entry| entry.task == one.task)
        .cloned()
        .collect();
    ensure!(
        shown == mine,
        "the history of task {} is not its trail",
        one.task
    );
    Ok(())
}

fn entry(item: &Value) -> Result<Entry> {
    let event = item.get("event").unwrap_or(item);
    let task = event
        .pointer("/data/task")
        .context("an entry without its task")?;
    Ok(Entry {
        task: event["subject"]
            .as_str()
            .context("an entry without subject")?
            .parse()?,
        version: number(task, "version")?,
        kind: event["type"]
            .as_str()
            .context("an entry without type")?
            .to_owned(),
        event: event["id"]
            .as_str()
            .context("an entry without id")?
            .parse()?,
    })
}

async fn chain_holds(person: &Person) -> Result<()> {
    let verdict = person
        .get("/api/audit/verify")
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        verdict["ok"] == true,
        "the chain of {} does not verify: {verdict}",
        person.id
    );
    Ok(())
}

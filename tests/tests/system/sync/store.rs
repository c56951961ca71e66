//! What a client knows that follows the rules of `/api/sync`, and whether it agrees with the other answers of the API.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use tests::client::{Requests, User, number, text};

use super::pull;

type Rows = BTreeMap<String, Value>;

/// The rows of each kind, by id.
#[derive(Debug, Default, PartialEq)]
pub struct Kinds {
    tasks: Rows,
    series: Rows,
    reminders: Rows,
    notifications: Rows,
    account: Value,
}

#[derive(Debug, Default)]
pub struct Store {
    pub rows: Kinds,
    /// Null before the first page.
    pub cursor: Value,
    /// The number of tasks and tombstones that have come.
    pub seen: usize,
    /// The largest number of a task or tombstone.
    last: i64,
}

impl Store {
    /// Applies a page.
    ///
    /// # Errors
    /// The page breaks a rule: its changes are not in order.
    pub fn apply(&mut self, page: &Value) -> Result<()> {
        for change in list(page, "changes")? {
            let seq = number(change, "seq")?;
            ensure!(seq > self.last, "{change} comes after number {}", self.last);
            self.last = seq;
            self.seen += 1;
            let id = text(change, "id")?;
            if change["deleted_at"].is_null() {
                self.rows.tasks.insert(id, change.clone());
            } else {
                ensure!(
                    change.get("title").is_none(),
                    "a tombstone with a title: {change}"
                );
                self.rows.tasks.remove(&id);
            }
        }
        ensure!(
            number(page, "seq")? >= self.last,
            "the page has reached less than it has"
        );
        for (name, rows) in [
            ("series", &mut self.rows.series),
            ("reminders", &mut self.rows.reminders),
            ("notifications", &mut self.rows.notifications),
        ] {
            for item in list(page, name)? {
                let mut item = item.clone();
                let seq = item.as_object_mut().and_then(|item| item.remove("seq"));
                ensure!(seq.is_some(), "{item} has no number");
                rows.insert(text(&item, "id")?, item);
            }
        }
        if let Some(account) = page["account"].as_object() {
            let mut account = account.clone();
            ensure!(account.remove("seq").is_some(), "{page}");
            self.rows.account = Value::Object(account);
        }
        self.cursor = page["cursor"].clone();
        if page["more"] == false {
            let listed: BTreeSet<String> = self
                .rows
                .tasks
                .values()
                .flat_map(|task| task["reminders"].as_array().into_iter().flatten())
                .filter_map(|reminder| Some(reminder["id"].as_str()?.to_owned()))
                .collect();
            self.rows.reminders.retain(|id, _| listed.contains(id));
        }
        Ok(())
    }

    /// Pulls what has changed, in small pages, and checks that the client agrees with the server.
    pub async fn follows(&mut self, user: &User) -> Result<()> {
        pull(user, self, 2).await?;
        self.agrees(user).await
    }

    /// Checks that the client knows what the other requests answer.
    pub async fn agrees(&self, user: &User) -> Result<()> {
        let tasks = by_id(user.pages("/api/tasks?limit=200").await?)?;
        same("tasks", &self.rows.tasks, &tasks)?;
        let notifications = by_id(user.pages("/api/notifications?limit=200").await?)?;
        same("notifications", &self.rows.notifications, &notifications)?;
        let account = user.get("/api/auth/me").send().await?.expect(200)?.json()?;
        ensure!(
            self.rows.account == account,
            "the client knows {}, the server {account}",
            self.rows.account
        );
        let mut reminders = Rows::new();
        let mut series = BTreeSet::new();
        for task in tasks.values() {
            series.extend(task["series_id"].as_str());
            if task["reminders"] != json!([]) {
                let path = format!("/api/tasks/{}/reminders", text(task, "id")?);
                let listed = user.get(&path).send().await?.expect(200)?.json()?;
                let listed = list(&listed, "items")?
                    .iter()
                    .map(|item| without(item, "deliveries"));
                reminders.extend(by_id(listed.collect::<Result<_>>()?)?);
            }
        }
        same("reminders", &self.rows.reminders, &reminders)?;
        for id in series {
            ensure!(
                self.rows.series.contains_key(id),
                "the client misses the series {id}"
            );
        }
        for (id, known) in &self.rows.series {
            let path = format!("/api/series/{id}");
            let read = user.get(&path).send().await?.expect(200)?.json()?;
            let read = without(&read, "newest")?;
            ensure!(
                *known == read,
                "the client knows {known}, the server {read}"
            );
        }
        Ok(())
    }
}

fn list<'a>(body: &'a Value, member: &str) -> Result<&'a [Value]> {
    let items = body[member].as_array();
    Ok(items.with_context(|| format!("no list `{member}`: {body}"))?)
}

fn without(item: &Value, member: &str) -> Result<Value> {
    let mut members: Map<String, Value> = item.as_object().context("no object")?.clone();
    members
        .remove(member)
        .with_context(|| format!("no `{member}` in {item}"))?;
    Ok(Value::Object(members))
}

fn by_id(items: Vec<Value>) -> Result<Rows> {
    items
        .into_iter()
        .map(|item| Ok((text(&item, "id")?, item)))
        .collect()
}

fn same(kind: &str, known: &Rows, read: &Rows) -> Result<()> {
    for (id, row) in known {
        ensure!(
            read.get(id) == Some(row),
            "{kind}: the client knows {row}, the server {:?}",
            read.get(id)
        );
    }
    let missed: Vec<_> = read.keys().filter(|id| !known.contains_key(*id)).collect();
    ensure!(missed.is_empty(), "{kind}: the client misses {missed:?}");
    Ok(())
}

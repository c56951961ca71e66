//! The verdict on a user whose devices have settled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Error, Result, bail, ensure};
use devices::edits::same;
use devices::person::Person;
use devices::state::State;
use devices::verdict;
use serde_json::Value;
use uuid::Uuid;

use super::device::Device;
use super::history::History;
use super::operations::Acknowledged;
use super::replay::replay;
use super::series;
use crate::client::{Requests, User, escape, text};
use crate::wait;

const TRAIL_LIMIT: Duration = Duration::from_secs(20);

/// What became of a user's operations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub operations: usize,
    pub merged: usize,
    pub conflicts: usize,
    pub rejected: usize,
}

/// Judges a user's devices.
///
/// # Errors
/// Names the rule that does not hold.
pub async fn judge(user: &User, devices: &[Device]) -> Result<Figures> {
    let mut acknowledged = Acknowledged::default();
    for device in devices {
        ensure!(
            !device.owes_pull,
            "device {} has missed something, and has not pulled since",
            device.person.number
        );
        for (id, operation) in &device.acknowledged.0 {
            acknowledged.0.insert(id.clone(), operation.clone());
        }
    }
    // A merge that has changed nothing comes to the trail after the last version.
    let history = wait::until("all merges are on the trail", TRAIL_LIMIT, async || {
        let history = History::read(user).await?;
        merges_are_on_the_trail(&acknowledged, &history)?;
        Ok(Some(history))
    })
    .await?;
    let state = settled(user, devices, &history).await?;
    let server = caught(|| replay(&acknowledged, &history))??;
    let persons: Vec<&Person> = devices.iter().map(|device| &device.person).collect();
    caught(|| verdict::judge(&persons, &server, &state))?;
    the_log_has_all_conflicts(user, &acknowledged).await?;
    series::judge(&acknowledged, &history)?;
    let count = |result: &str| {
        let operations = acknowledged.0.values();
        operations.filter(|operation| operation.is(result)).count()
    };
    Ok(Figures {
        operations: acknowledged.0.len(),
        merged: count("merged"),
        conflicts: count("conflict"),
        rejected: count("rejected"),
    })
}

/// Checks that all devices have what the server has. Returns that.
///
/// # Errors
/// Names a device that has something else.
async fn settled(user: &User, devices: &[Device], history: &History) -> Result<State> {
    let versions = history.tasks.iter();
    let state = State {
        versions: versions
            .map(|(id, versions)| (*id, versions.len() as u64))
            .collect(),
        ..read(user).await?
    };
    for device in devices {
        caught(|| verdict::agrees(&device.person, &state))?;
        let screen = devices::screen::Screen::of(&device.person.engine);
        ensure!(
            device.person.screen == screen,
            "device {} does not show what it has",
            device.person.number
        );
    }
    Ok(state)
}

/// What the API has, read anew.
async fn read(user: &User) -> Result<State> {
    let mut state = State::default();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/sync?cursor={}", escape(&cursor));
        let page = user.get(&path).send().await?.expect(200)?.json()?;
        for (list, rows) in [
            ("changes", &mut state.tasks),
            ("series", &mut state.series),
            ("reminders", &mut state.reminders),
            ("notifications", &mut state.notifications),
        ] {
            rows.extend(by_id(page[list].as_array().context("no list")?)?);
        }
        if page["account"].is_object() {
            state.account = page["account"].clone();
        }
        cursor = text(&page, "cursor")?;
        if page["more"] == false {
            let listed = by_id(&user.pages("/api/tasks?limit=200").await?)?;
            ensure!(listed == state.tasks, "the list has other tasks than sync");
            return Ok(state);
        }
    }
}

fn by_id<'a>(items: impl IntoIterator<Item = &'a Value>) -> Result<BTreeMap<Uuid, Value>> {
    let items = items.into_iter();
    items
        .map(|item| Ok((text(item, "id")?.parse()?, item.clone())))
        .collect()
}

/// Each merge and each conflict is on the audit trail once, and nothing else is.
fn merges_are_on_the_trail(acknowledged: &Acknowledged, history: &History) -> Result<()> {
    let operations = acknowledged.0.iter();
    let merged = operations.filter(|(_, op)| op.is("merged") || op.is("conflict"));
    let mut merged: Vec<&String> = merged.map(|(id, _)| id).collect();
    let mut trail: Vec<&String> = history.merged.iter().collect();
    merged.sort();
    trail.sort();
    ensure!(
        merged == trail,
        "{} operations were merged, and the trail has {}",
        merged.len(),
        trail.len()
    );
    Ok(())
}

/// The conflict log has what the answers had, and nothing else.
async fn the_log_has_all_conflicts(user: &User, acknowledged: &Acknowledged) -> Result<()> {
    let log = user.pages("/api/conflicts?limit=200").await?;
    let answered = acknowledged
        .0
        .values()
        .flat_map(|operation| operation.result["conflicts"].as_array())
        .flatten();
    let (log, answered) = (by_id(&log)?, by_id(answered)?);
    for (id, conflict) in &answered {
        ensure!(log.contains_key(id), "the log does not have {conflict}");
    }
    for (id, conflict) in &log {
        ensure!(
            answered.get(id) == Some(conflict),
            "no answer had {conflict}"
        );
    }
    Ok(())
}

/// Gives back what has lost, the newest first.
///
/// # Errors
/// A value does not come back.
pub async fn restore_conflicts(user: &User, most: usize) -> Result<()> {
    let log = user.pages("/api/conflicts?limit=200").await?;
    let mut fields = BTreeSet::new();
    for conflict in log {
        let field = text(&conflict, "field")?;
        let task = text(&conflict, "task_id")?;
        if fields.len() == most || fields.contains(&(task.clone(), field.clone())) {
            continue;
        }
        let path = format!("/api/conflicts/{}/restore", text(&conflict, "id")?);
        let response = user.post(&path).send().await?;
        match (field.as_str(), response.status.as_u16()) {
            ("deleted", 204) => {}
            (_, 404) => continue,
            ("reminders", 200) => {}
            (_, 200) => {
                let task = response.json()?;
                ensure!(
                    same(&task[&field], &conflict["theirs"]),
                    "{conflict} was given back, and the task is {task}"
                );
            }
            // A task that repeats needs a due date, and others may have changed either since.
            ("due" | "recurrence", 422) => {
                let task = user.get(&format!("/api/tasks/{task}")).send().await?;
                let task = task.expect(200)?.json()?;
                let after = |name: &str| match name == field {
                    true => conflict["theirs"].is_null(),
                    false => task[name].is_null(),
                };
                ensure!(
                    after("due") && !after("recurrence"),
                    "{conflict} is refused"
                );
                continue;
            }
            (_, status) => bail!("{status} to the return of {conflict}: {response:?}"),
        }
        fields.insert((task, field));
    }
    Ok(())
}

/// The result of a check that fails by panicking.
fn caught<T>(check: impl FnOnce() -> T) -> Result<T> {
    verdict::caught(check).map_err(Error::msg)
}

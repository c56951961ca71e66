//! A thousand tasks are completed at once while everything between the completion and the next occurrence is killed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate};
use domain::recurrence::occurrence_id;
use futures::future::try_join_all;
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{User, number, text};
use tests::fixture::Fixture;
use tests::wait;

use super::super::series::{appears, post, weekly};
use super::super::tasks::path;
use super::{LIMIT, batch, caused_by_agent, complete_all, occurrences_exist};

const USERS: usize = 5;
/// Tasks of each user. They are created and completed with batches of [`BATCH`].
const TASKS: usize = 200;
const BATCH: usize = 100;

/// A user with recurring tasks.
struct Owner {
    user: User,
    tasks: Vec<Value>,
}

impl Owner {
    /// Recurring tasks that begin on different days.
    async fn new(fixture: &Fixture) -> Result<Self> {
        let user = fixture.api.new_user("Europe/Berlin").await?;
        let create = |number: usize| {
            let day = 1 + number % 31;
            let task = json!({
                "title": format!("Task {number}"), "due": {"date": format!("2026-03-{day:02}")},
                "recurrence": {"rule": "FREQ=DAILY;INTERVAL=2"},
            });
            json!({"op": "create", "task": task})
        };
        let mut tasks = Vec::new();
        for operations in (0..TASKS).map(create).collect::<Vec<_>>().chunks(BATCH) {
            for result in batch(&user, operations.to_vec()).await? {
                tasks.push(result.get("task").cloned().context("no task")?);
            }
        }
        Ok(Self { user, tasks })
    }

    /// Completes all tasks twice, all batches at once.
    async fn complete_twice(&self) -> Result<()> {
        let batches = self.tasks.chunks(BATCH).chain(self.tasks.chunks(BATCH));
        try_join_all(batches.map(|tasks| complete_all(&self.user, tasks))).await?;
        Ok(())
    }

    /// Checks that each task has one next occurrence: two days later, with the id and the number that belong there.
    async fn has_next_occurrences(&self) -> Result<()> {
        let open = self.user.pages("/api/tasks?status=open&limit=200").await?;
        ensure!(open.len() == TASKS, "{} open tasks", open.len());
        let next: BTreeMap<String, &Value> = open
            .iter()
            .map(|task| Ok((text(task, "series_id")?, task)))
            .collect::<Result<_>>()?;
        for task in &self.tasks {
            let series = text(task, "series_id")?;
            let made = next.get(&series).context("a series without an open task")?;
            let day: NaiveDate = text(task, "occurrence")?.parse()?;
            let key = (day + Days::new(2)).to_string();
            let id = occurrence_id(series.parse()?, &key).to_string();
            ensure!(
                made["occurrence"] == key
                    && made["due"] == json!({"date": key})
                    && made["id"] == id
                    && number(made, "occurrence_number")? == 2,
                "{made} follows {task}"
            );
        }
        Ok(())
    }
}

/// The tasks are completed at once, twice each, while the bridge and the functions are killed again and again. Each has one next
/// occurrence, which was created once. So it stays when all completions are delivered again.
pub async fn a_storm_of_completions(fixture: &mut Fixture) -> Result<()> {
    let mut owners = Vec::new();
    for _ in 0..USERS {
        owners.push(Owner::new(fixture).await?);
    }
    let storm = try_join_all(owners.iter().map(Owner::complete_twice));
    let (storm, killed) = futures::join!(storm, kill_again_and_again(fixture, &owners));
    storm?;
    killed?;
    let each = TASKS.try_into()?;
    for owner in &owners {
        occurrences_exist(&fixture.database, &owner.user, each, 2).await?;
        owner.has_next_occurrences().await?;
    }
    let users: Vec<User> = owners.iter().map(|owner| owner.user.clone()).collect();
    Checker::new(&fixture.database, &users)
        .wait_for_delivery()
        .await?;
    for user in &users {
        let again = include_str!("../../../sql/requeue_completions.sql");
        let again = fixture.database.execute(again, &[&user.id]).await?;
        ensure!(
            usize::try_from(again)? == TASKS,
            "{again} events come again"
        );
        // The events of a user are in order, so all of them have come again when this one has.
        let task = weekly(user).await?;
        let done = post(user, &format!("{}/complete", path(&task)?)).await?;
        appears(user, &done["next"]["id"]).await?;
    }
    Checker::new(&fixture.database, &users)
        .wait_for_delivery()
        .await?;
    for user in &users {
        occurrences_exist(&fixture.database, user, each + 1, 2).await?;
        let created = caused_by_agent(&fixture.database, user).await?;
        let tasks: BTreeSet<_> = created
            .iter()
            .map(|event| event["subject"].to_string())
            .collect();
        ensure!(
            created.len() == TASKS + 1 && tasks.len() == created.len(),
            "{} events about {} tasks",
            created.len(),
            tasks.len()
        );
    }
    Ok(())
}

/// Kills the bridge and the functions, each time when more of the next occurrences exist.
async fn kill_again_and_again(fixture: &Fixture, owners: &[Owner]) -> Result<()> {
    const KILLS: usize = 4;
    let users: Vec<_> = owners.iter().map(|owner| owner.user.id).collect();
    let sql = include_str!("../../../sql/occurrences_made.sql");
    for kill in 0..KILLS {
        let least = i64::try_from(USERS * TASKS * kill / KILLS)?;
        wait::until(&format!("{least} next occurrences"), LIMIT, async || {
            let made: i64 = fixture.database.query_one(sql, &[&users]).await?.get(0);
            Ok((made > least).then_some(()))
        })
        .await?;
        let (bridge, host) = (fixture.bridge()?, fixture.system.host()?);
        match kill % 2 {
            0 => {
                bridge.kill9().await;
                host.kill9().await;
            }
            _ => {
                host.kill9().await;
                bridge.kill9().await;
            }
        }
        host.start().await?;
        bridge.start().await?;
    }
    Ok(())
}

//! The cron trigger and the bridge's clock: each alone finds what is missing, and both together make nothing twice.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use stage::scratch::Scratch;
use stage::system::System;
use tests::client::{Api, Requests, User};
use tests::fixture::{Fixture, LogKind, connect};
use tests::{settings, wait};
use tokio_postgres::Client;

use super::super::series::{occurrences, tasks_of};
use super::{LIMIT, batch, caused_by_agent, complete_all, occurrences_exist, recurring_tasks};

/// A system whose cron triggers fire every second.
async fn with_cron(hosts: usize, bridge: &[(&str, &str)]) -> Result<(System, Client, Scratch)> {
    let folder = Scratch::new("cron")?;
    let mut options = settings::options(&folder, LogKind::Postgres)?;
    options.fire_cron("* * * * * *");
    options.hosts = hosts;
    options.bridge_env = bridge
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let system = System::start(options).await?;
    let database = connect(&system.database_url()).await?;
    Ok((system, database, folder))
}

/// Completes so many tasks of a user with one batch for each hundred. The bridge is stopped, and their events never reach the log.
async fn complete_in_silence(
    system: &System,
    database: &Client,
    user: &User,
    tasks: &[Value],
) -> Result<()> {
    system.bridge(0)?.terminate().await;
    for batch in tasks.chunks(100) {
        complete_all(user, batch).await?;
    }
    let lose = include_str!("../../../sql/lose_completions.sql");
    let lost = database.execute(lose, &[&user.id]).await?;
    ensure!(usize::try_from(lost)? == tasks.len(), "{lost} are lost");
    Ok(())
}

/// Lets the next look find the series of a user that would otherwise wait a minute.
async fn look_now(database: &Client, user: &User) -> Result<()> {
    let look = include_str!("../../../sql/look_for_occurrences.sql");
    database.execute(look, &[&user.id]).await?;
    Ok(())
}

/// How many ticks the bridge has sent to the agent, and how many dead letters it has written.
async fn ticks_and_dead_letters(system: &System) -> Result<(u64, u64)> {
    let bridge = Api::new(&system.bridge_url(0)?)?;
    let metrics = bridge.get("/metrics").send().await?.expect(200)?;
    let metrics = String::from_utf8(metrics.body)?;
    let sum = |of: &[&str]| -> u64 {
        let lines = metrics.lines();
        let lines = lines.filter(|line| of.iter().all(|part| line.contains(part)));
        lines
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
            .sum()
    };
    Ok((
        sum(&["ticks_total{", "recurring"]),
        sum(&["dead_letters_total{"]),
    ))
}

/// The bridge has no clock, and the events of completed tasks are lost. The cron trigger finds the series, and those that run by schedule.
pub async fn the_cron_trigger_alone(_: &mut Fixture) -> Result<()> {
    let parts = ("BRIDGE_PARTS", "relay,dispatch");
    let (system, database, _folder) = with_cron(1, &[parts]).await?;
    let user = Api::new(&system.api_url())?.new_user("UTC").await?;
    let tasks = recurring_tasks(&user, 20).await?;
    complete_in_silence(&system, &database, &user, &tasks).await?;
    look_now(&database, &user).await?;
    system.bridge(0)?.start().await?;
    occurrences_exist(&database, &user, 20, 2).await?;
    let body = json!({"title": "On time", "due": {"date": "2026-01-01"}, "recurrence": {"rule": "FREQ=DAILY;COUNT=3", "create": "on_schedule", "missed": "all"}});
    let task = user.create(body).await?;
    let days = ["2026-01-01", "2026-01-02", "2026-01-03"];
    wait::until("the occurrences of the schedule", LIMIT, async || {
        let tasks = tasks_of(&user, &task).await?;
        Ok((occurrences(&tasks) == days).then_some(()))
    })
    .await?;
    wait::until("the new tasks on the trail", LIMIT, async || {
        let made = caused_by_agent(&database, &user).await?;
        // An event would be the cause.
        let by_clock = made.iter().filter(|event| event["causationid"].is_null());
        let created = by_clock.filter(|event| event["type"] == "task.created");
        Ok((created.count() == 22).then_some(()))
    })
    .await?;
    let (ticks, letters) = ticks_and_dead_letters(&system).await?;
    ensure!(
        ticks == 0 && letters == 0,
        "{ticks} ticks, {letters} dead letters"
    );
    system.stop().await;
    Ok(())
}

/// Two processes with agents and cron triggers, and the bridge's clock, look at the same time, and are killed while they work. Each
/// occurrence is made once, in series by completion and by schedule.
pub async fn two_clocks_and_two_agents(_: &mut Fixture) -> Result<()> {
    const COMPLETED: usize = 200;
    const SCHEDULED: usize = 100;
    const KILLS: usize = 3;
    let (system, database, _folder) = with_cron(2, &[]).await?;
    let api = Api::new(&system.api_url())?;
    let lost = api.new_user("Europe/Berlin").await?;
    let scheduled = api.new_user("Asia/Tokyo").await?;
    let halves = (0..2).map(|_| recurring_tasks(&lost, COMPLETED / 2));
    let tasks = try_join_all(halves).await?.concat();
    complete_in_silence(&system, &database, &lost, &tasks).await?;
    let create = |number: usize| {
        let task = json!({
            "title": format!("Task {number}"), "due": {"date": "2026-01-01"},
            "recurrence": {"rule": "FREQ=DAILY;COUNT=6", "create": "on_schedule", "missed": "all"},
        });
        json!({"op": "create", "task": task})
    };
    let by_schedule = batch(&scheduled, (0..SCHEDULED).map(create).collect()).await?;
    let other = system.part("functions-1")?;
    for kill in 0..KILLS {
        for user in [&lost, &scheduled] {
            look_now(&database, user).await?;
        }
        // The clock ticks as soon as the bridge starts.
        system.bridge(0)?.launch().await?;
        made_more(&database, &[&lost, &scheduled], kill).await?;
        system.bridge(0)?.kill9().await;
        let killed = if kill % 2 == 0 { other } else { system.host()? };
        killed.kill9().await;
        killed.start().await?;
    }
    system.bridge(0)?.start().await?;
    // What was claimed when its agent was killed is claimed again a minute later. The test does not wait for that.
    for user in [&lost, &scheduled] {
        look_now(&database, user).await?;
    }
    occurrences_exist(&database, &lost, COMPLETED.try_into()?, 2).await?;
    wait::until("the end of all series by schedule", LIMIT, async || {
        let sql = include_str!("../../../sql/ended_series.sql");
        let ended: i64 = database.query_one(sql, &[&scheduled.id]).await?.get(0);
        ensure!(usize::try_from(ended)? == SCHEDULED, "{ended} have ended");
        Ok(Some(()))
    })
    .await?;
    for result in &by_schedule {
        let task = result.get("task").context("no task")?;
        let made = tasks_of(&scheduled, task).await?;
        let keys: Vec<String> = (1..=6).map(|day| format!("2026-01-0{day}")).collect();
        let numbers: Vec<_> = made
            .iter()
            .filter_map(|task| task["occurrence_number"].as_i64())
            .collect();
        ensure!(
            occurrences(&made) == keys && numbers == [1, 2, 3, 4, 5, 6],
            "{made:?}"
        );
    }
    for (user, created) in [(&lost, COMPLETED), (&scheduled, SCHEDULED * 5)] {
        wait::until("one event for each task", LIMIT, async || {
            let events = caused_by_agent(&database, user).await?;
            let events = events
                .iter()
                .filter(|event| event["type"] == "task.created");
            let found = events.count();
            ensure!(found == created, "{found} of {created} events");
            Ok(Some(()))
        })
        .await?;
    }
    let (ticks, letters) = ticks_and_dead_letters(&system).await?;
    ensure!(
        ticks > 0 && letters == 0,
        "{ticks} ticks, {letters} dead letters"
    );
    system.stop().await;
    Ok(())
}

/// Waits until these users have more occurrences than when `kill` agents had been killed.
async fn made_more(database: &Client, users: &[&User], kill: usize) -> Result<()> {
    let ids: Vec<_> = users.iter().map(|user| user.id).collect();
    let least = i64::try_from(kill)? * 150;
    let sql = include_str!("../../../sql/occurrences_made.sql");
    let what = format!("more than {least} occurrences");
    wait::until(&what, Duration::from_secs(30), async || {
        let made: i64 = database.query_one(sql, &[&ids]).await?.get(0);
        Ok((made > least).then_some(()))
    })
    .await
}

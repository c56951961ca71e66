//! Series that run by schedule: what was missed, and what happens while an occurrence is open.

use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate, Utc};
use serde_json::{Value, json};
use tests::client::{Requests, User, text};
use tests::fixture::Fixture;
use tests::wait;

use super::super::series::{complete, occurrences, tasks_of};
use super::{LIMIT, caused_by_agent};

/// Series that run by schedule: what was missed appears as one task, as all, or not at all, and then the series ends.
pub async fn missed_by_schedule(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Asia/Tokyo").await?;
    fixture.bridge()?.terminate().await;
    let mut series = Vec::new();
    for (members, expected) in [
        (json!({}), &["2026-01-01", "2026-01-04"] as &[_]),
        (
            json!({"missed": "all"}),
            &["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"],
        ),
        (json!({"overlap": "skip_while_open"}), &["2026-01-01"]),
    ] {
        let mut recurrence = json!({"rule": "FREQ=DAILY;COUNT=4", "create": "on_schedule"});
        for (name, value) in members.as_object().into_iter().flatten() {
            recurrence[name] = value.clone();
        }
        let task =
            json!({"title": "On time", "due": {"date": "2026-01-01"}, "recurrence": recurrence});
        series.push((user.create(task).await?, expected));
    }
    let future = json!({"title": "Later", "due": {"date": "2099-01-01"}, "recurrence": {"rule": "FREQ=DAILY", "create": "on_schedule"}});
    let future = user.create(future).await?;
    fixture.bridge()?.start().await?;
    for (task, expected) in &series {
        let series = format!("/api/series/{}", text(task, "series_id")?);
        wait::until("the end of the series", LIMIT, async || {
            let series = user.get(&series).send().await?.expect(200)?.json()?;
            Ok((series["ended_by"] == "rule").then_some(()))
        })
        .await?;
        let tasks = tasks_of(&user, task).await?;
        let found: Vec<_> = tasks
            .iter()
            .filter_map(|task| task["occurrence"].as_str())
            .collect();
        ensure!(found == *expected, "{found:?}, expected {expected:?}");
        let numbers: Vec<_> = tasks
            .iter()
            .filter_map(|task| task["occurrence_number"].as_i64())
            .collect();
        let in_order: Vec<i64> = (1..).take(expected.len()).collect();
        ensure!(numbers == in_order, "{numbers:?}");
    }
    ensure!(tasks_of(&user, &future).await?.len() == 1, "too early");
    wait::until("one end of each series on the trail", LIMIT, async || {
        let events = caused_by_agent(&fixture.database, &user).await?;
        let ended = events
            .iter()
            .filter(|event| event["type"] == "series.ended");
        Ok((ended.count() == 3).then_some(()))
    })
    .await
}

/// A daily series by schedule that began on 1 January 2026, with these members of its recurrence.
async fn daily(user: &User, members: Value) -> Result<Value> {
    let mut recurrence = json!({"rule": "FREQ=DAILY", "create": "on_schedule"});
    for (name, value) in members.as_object().into_iter().flatten() {
        recurrence[name] = value.clone();
    }
    let body = json!({"title": "On time", "due": {"date": "2026-01-01"}, "recurrence": recurrence});
    user.create(body).await
}

/// Waits until the series has so many tasks and the agent has nothing left to make. Returns the keys of all but the first.
async fn made(
    fixture: &Fixture,
    user: &User,
    task: &Value,
    count: usize,
) -> Result<Vec<NaiveDate>> {
    let sql = include_str!("../../../sql/series_is_due.sql");
    let series: uuid::Uuid = text(task, "series_id")?.parse()?;
    let what = format!("{count} tasks of the series");
    let tasks = wait::until(&what, LIMIT, async || {
        let is_due: bool = fixture.database.query_one(sql, &[&series]).await?.get(0);
        ensure!(!is_due, "the agent has not looked yet");
        let tasks = tasks_of(user, task).await?;
        ensure!(tasks.len() == count, "{} tasks", tasks.len());
        Ok(Some(tasks))
    })
    .await?;
    let keys = occurrences(&tasks);
    let (first, others) = keys.split_first().context("no occurrence")?;
    ensure!(*first == "2026-01-01", "{keys:?}");
    others.iter().map(|key| Ok(key.parse()?)).collect()
}

/// Makes the agent look now.
async fn look(fixture: &Fixture, user: &User) -> Result<()> {
    fixture.bridge()?.terminate().await;
    let sql = include_str!("../../../sql/look_for_occurrences.sql");
    fixture.database.execute(sql, &[&user.id]).await?;
    fixture.bridge()?.start().await
}

/// Of hundreds that were missed in a series without an end, one or the newest hundred appear.
pub async fn missed_without_end(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let before = Utc::now().date_naive();
    let one = daily(&user, json!({})).await?;
    let all = daily(&user, json!({"missed": "all"})).await?;
    look(fixture, &user).await?;
    let newest = made(fixture, &user, &one, 2).await?;
    let hundred = made(fixture, &user, &all, 101).await?;
    let after = Utc::now().date_naive();
    let last = *hundred.last().context("none")?;
    ensure!((before..=after).contains(&last), "{hundred:?}");
    ensure!(newest == [last], "{newest:?} instead of {last}");
    let expected: Vec<_> = (0..100).rev().map(|days| last - Days::new(days)).collect();
    ensure!(hundred == expected, "{hundred:?}");
    Ok(())
}

/// While an occurrence is open, the next one appears, or waits until the schedule comes round after a completion.
pub async fn an_open_occurrence(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let allowed = daily(&user, json!({"overlap": "allow"})).await?;
    let skipped = daily(&user, json!({"overlap": "skip_while_open"})).await?;
    look(fixture, &user).await?;
    made(fixture, &user, &allowed, 2).await?;
    made(fixture, &user, &skipped, 1).await?;
    // The completion leads to nothing: the schedule alone does.
    complete(&user, &skipped).await?;
    made(fixture, &user, &skipped, 1).await?;
    look(fixture, &user).await?;
    let next = made(fixture, &user, &skipped, 2).await?;
    ensure!(
        made(fixture, &user, &allowed, 2).await? == next,
        "not the day of the other: {next:?}"
    );
    Ok(())
}

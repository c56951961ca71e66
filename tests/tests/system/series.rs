//! Recurring tasks as a user has them: series, their occurrences, and what changes one or all of them.

pub mod changes;
pub mod modes;
pub mod rules;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, User, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;

use super::tasks::path;

/// A weekly task with everything that its occurrences get.
pub async fn weekly(user: &User) -> Result<Value> {
    user.create(json!({
        "title": "Water the plants", "description": "All of them", "priority": "high", "tags": ["home"],
        "due": {"date": "2026-03-01"}, "recurrence": {"rule": "FREQ=WEEKLY;BYDAY=SU"},
    }))
    .await
}

pub async fn post(user: &User, path: &str) -> Result<Value> {
    user.post(path).send().await?.expect(200)?.json()
}

pub async fn complete(user: &User, task: &Value) -> Result<Value> {
    post(user, &format!("{}/complete", path(task)?)).await
}

pub async fn patch(user: &User, path: &str, body: Value) -> Result<Value> {
    user.patch(path)
        .json(&body)
        .send()
        .await?
        .expect(200)?
        .json()
}

/// Waits for the task with this id.
pub async fn appears(user: &User, id: &Value) -> Result<Value> {
    let path = format!("/api/tasks/{}", id.as_str().context("no id")?);
    wait::until("the next occurrence", DELIVERY_LIMIT, async || {
        let response = user.get(&path).send().await?;
        Ok((response.status == 200).then_some(response.json()?))
    })
    .await
}

/// The live tasks of a series, by their occurrence.
pub async fn tasks_of(user: &User, task: &Value) -> Result<Vec<Value>> {
    let path = format!(
        "/api/tasks?series_id={}&limit=200",
        text(task, "series_id")?
    );
    let page = user.get(&path).send().await?.expect(200)?.json()?;
    let mut tasks = page["items"].as_array().context("no items")?.clone();
    tasks.sort_by_key(|task| task["occurrence"].to_string());
    Ok(tasks)
}

pub fn occurrences(tasks: &[Value]) -> Vec<&str> {
    tasks
        .iter()
        .filter_map(|task| task["occurrence"].as_str())
        .collect()
}

pub async fn a_series_begins(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let task = weekly(&user).await?;
    ensure!(
        task["series_id"].is_string() && task["occurrence"] == "2026-03-01",
        "{task}"
    );
    ensure!(task["occurrence_number"] == 1, "{task}");
    let recurrence = &task["recurrence"];
    ensure!(
        recurrence["rule"] == "FREQ=WEEKLY;BYDAY=SU"
            && recurrence["every"] == 1
            && recurrence["unit"] == "week"
            && recurrence["on"] == json!(["SU"])
            && recurrence["description"] == "every week on Sunday"
            && recurrence["mode"] == "fixed"
            && recurrence["skip"] == "backward"
            && recurrence["timezone"] == "Europe/Berlin"
            && recurrence["start"] == task["due"],
        "{recurrence}"
    );
    // A client may send back what it has read.
    let same = user
        .put(&path(&task)?)
        .json(&task)
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(same == task, "{same}");
    let shorthand = json!({"title": "t", "due": {"date": "2026-03-02"}, "recurrence": {"every": 2, "unit": "week", "on": ["MO", "TH"]}});
    let task = user.create(shorthand).await?;
    ensure!(
        task["recurrence"]["description"] == "every 2 weeks on Monday and Thursday",
        "{task}"
    );
    let series = format!("/api/series/{}", text(&task, "series_id")?);
    let series = user.get(&series).send().await?.expect(200)?.json()?;
    ensure!(
        series["newest"]["task_id"] == task["id"] && series["ended_at"].is_null(),
        "{series}"
    );
    // An instant is expanded in the timezone of the account.
    let instant = json!({"title": "t", "due": {"datetime": "2026-03-01T08:00:00Z"}, "recurrence": {"rule": "FREQ=DAILY"}});
    let task = user.create(instant).await?;
    ensure!(task["occurrence"] == "2026-03-01T09:00:00", "{task}");
    ensure!(task["recurrence"]["timezone"] == "Europe/Berlin", "{task}");
    Ok(())
}

/// Completing an occurrence twice leads to one next occurrence. It has what the first one had.
pub async fn one_next_occurrence(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let task = weekly(&user).await?;
    let done = complete(&user, &task).await?;
    let next = &done["next"];
    ensure!(
        next["due"] == json!({"date": "2026-03-08"})
            && next["occurrence"] == "2026-03-08"
            && next["due_at"] == "2026-03-08T22:59:59.999999Z",
        "{done}"
    );
    let again = complete(&user, &task).await?;
    ensure!(
        again["next"] == *next && again["version"] == done["version"],
        "{again}"
    );
    let made = appears(&user, &next["id"]).await?;
    for member in [
        "title",
        "description",
        "priority",
        "tags",
        "series_id",
        "recurrence",
    ] {
        ensure!(made[member] == task[member], "{member} of {made}");
    }
    ensure!(
        made["status"] == "open" && made["due"] == next["due"] && made["due_at"] == next["due_at"],
        "{made}"
    );
    ensure!(
        made["occurrence"] == "2026-03-08" && made["occurrence_number"] == 2,
        "{made}"
    );
    let kept = user.get(&path(&task)?).send().await?.expect(200)?.json()?;
    ensure!(
        kept["status"] == "completed",
        "the completed occurrence is history: {kept}"
    );
    // The same through PATCH and PUT, and in a batch.
    let done = patch(&user, &path(&made)?, json!({"status": "completed"})).await?;
    let made = appears(&user, &done["next"]["id"]).await?;
    ensure!(made["occurrence"] == "2026-03-15", "{made}");
    let batch = json!({"operations": [{"op": "complete", "id": made["id"]}]});
    let batch = user
        .post("/api/tasks/batch")
        .json(&batch)
        .send()
        .await?
        .expect(200)?
        .json()?;
    let made = appears(&user, &batch["results"][0]["task"]["next"]["id"]).await?;
    ensure!(made["occurrence"] == "2026-03-22", "{made}");
    ensure!(
        tasks_of(&user, &task).await?.len() == 4,
        "not one task for each occurrence"
    );
    Ok(())
}

/// A task that is reopened takes back the next occurrence, unless somebody has changed that.
pub async fn reopened_and_completed_again(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    let next = complete(&user, &task).await?["next"].clone();
    appears(&user, &next["id"]).await?;
    post(&user, &format!("{}/reopen", path(&task)?)).await?;
    ensure!(
        occurrences(&tasks_of(&user, &task).await?) == ["2026-03-01"],
        "the next occurrence stays"
    );
    ensure!(
        complete(&user, &task).await?["next"]["id"] == next["id"],
        "another next occurrence"
    );
    let made = appears(&user, &next["id"]).await?;
    patch(&user, &path(&made)?, json!({"title": "Mine"})).await?;
    post(&user, &format!("{}/reopen", path(&task)?)).await?;
    complete(&user, &task).await?;
    let tasks = tasks_of(&user, &task).await?;
    ensure!(
        occurrences(&tasks) == ["2026-03-01", "2026-03-08"],
        "{tasks:?}"
    );
    Ok(())
}

/// A task that was completed and reopened, and its next occurrence, which was taken back and which a person has restored.
async fn with_restored_next(user: &User) -> Result<(Value, Value)> {
    let task = weekly(user).await?;
    let next = complete(user, &task).await?["next"].clone();
    let next = appears(user, &next["id"]).await?;
    post(user, &format!("{}/reopen", path(&task)?)).await?;
    post(user, &format!("{}/restore", path(&next)?)).await?;
    Ok((task, next))
}

/// A person restores the next occurrence that was taken back, and completes it before the first one. The series goes on after both.
pub async fn done_before_the_one_before_it(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let (task, next) = with_restored_next(&user).await?;
    let last = complete(&user, &next).await?["next"].clone();
    an_agent_dies_in_between(fixture, &task, &next).await?;
    complete(&user, &task).await?;
    let last = appears(&user, &last["id"]).await?;
    ensure!(last["occurrence"] == "2026-03-15", "{last}");
    Ok(())
}

/// A person restores the next occurrence that was taken back, and ends its recurrence. The series ends when the one before it is completed.
pub async fn the_next_one_recurs_no_more(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let (task, next) = with_restored_next(&user).await?;
    patch(&user, &path(&next)?, json!({"recurrence": null})).await?;
    complete(&user, &task).await?;
    let series = format!("/api/series/{}", text(&task, "series_id")?);
    wait::until("the series ends", DELIVERY_LIMIT, async || {
        let series = user.get(&series).send().await?.expect(200)?.json()?;
        Ok((series["ended_by"] == "edit").then_some(()))
    })
    .await?;
    let pause = user.post(&format!("{series}/pause")).send().await?;
    pause.expect(409)?;
    Ok(())
}

/// An agent finds that the next occurrence exists and is done, and ends. The series is due then, so the next look of the agents finds it.
async fn an_agent_dies_in_between(fixture: &Fixture, task: &Value, next: &Value) -> Result<()> {
    let database = &fixture.database;
    database.batch_execute("begin").await?;
    let sql = include_str!("../../sql/complete_task.sql");
    database.execute(sql, &[&text(task, "id")?]).await?;
    let sql = include_str!("../../sql/make_occurrence_again.sql");
    let made = database.query_one(sql, &[&text(next, "id")?]).await?;
    let sql = include_str!("../../sql/series_is_due.sql");
    let series: uuid::Uuid = text(task, "series_id")?.parse()?;
    let due = database.query_one(sql, &[&series]).await?;
    database.batch_execute("rollback").await?;
    let (made, due): (&str, bool) = (made.get(0), due.get(0));
    ensure!(made == "changed" && due, "{made}, due: {due}");
    Ok(())
}

pub async fn an_occurrence_is_skipped(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    let skipped = post(&user, &format!("{}/skip", path(&task)?)).await?;
    ensure!(
        skipped["status"] == "cancelled" && skipped["completed_at"].is_null(),
        "{skipped}"
    );
    let made = appears(&user, &skipped["next"]["id"]).await?;
    ensure!(made["occurrence"] == "2026-03-08", "{made}");
    let plain = user.create(json!({"title": "Once"})).await?;
    user.post(&format!("{}/skip", path(&plain)?))
        .send()
        .await?
        .expect(409)?;
    let list = format!(
        "/api/series/{}/occurrences?coming=2",
        text(&task, "series_id")?
    );
    let list = user.get(&list).send().await?.expect(200)?.json()?;
    let states: Vec<_> = list["items"]
        .as_array()
        .context("no items")?
        .iter()
        .map(|item| (item["state"].as_str(), item["occurrence"].as_str()))
        .collect();
    ensure!(
        states
            == [
                (Some("skipped"), Some("2026-03-01")),
                (Some("open"), Some("2026-03-08")),
                (Some("coming"), Some("2026-03-15")),
                (Some("coming"), Some("2026-03-22")),
            ],
        "{states:?}"
    );
    Ok(())
}

pub async fn a_pause(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let daily = json!({"title": "Daily", "due": {"date": "2026-03-01"}, "recurrence": {"rule": "FREQ=DAILY"}});
    let task = user.create(daily).await?;
    let series = format!("/api/series/{}", text(&task, "series_id")?);
    let paused = post(&user, &format!("{series}/pause")).await?;
    ensure!(paused["recurrence"]["paused_at"].is_string(), "{paused}");
    ensure!(
        post(&user, &format!("{series}/pause")).await? == paused,
        "paused twice"
    );
    let done = complete(&user, &task).await?;
    ensure!(
        done["next"].is_null() && done.get("next").is_some(),
        "{done}"
    );
    // The occurrences of the months until today are not made up for.
    let resumed = post(&user, &format!("{series}/resume")).await?;
    ensure!(resumed["recurrence"]["paused_at"].is_null(), "{resumed}");
    let open = wait::until("the next occurrence", Duration::from_secs(5), async || {
        Ok(tasks_of(&user, &task)
            .await?
            .pop()
            .filter(|task| task["status"] == "open"))
    })
    .await?;
    let today = chrono::Utc::now().date_naive();
    let expected = [today, today - chrono::TimeDelta::days(1)].map(|day| day.to_string());
    ensure!(
        open["occurrence"]
            .as_str()
            .is_some_and(|key| expected.iter().any(|day| day == key)),
        "{open}"
    );
    user.delete(&path(&open)?).send().await?.expect(204)?;
    user.post(&format!("{series}/pause"))
        .send()
        .await?
        .expect(409)?;
    Ok(())
}

/// A series ends with its last occurrence. COUNT counts occurrences, not completions.
pub async fn a_series_ends(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    for mode in ["fixed", "catch_up", "after_completion"] {
        let body = json!({"title": "Twice", "due": {"date": "2099-03-01"}, "recurrence": {"rule": "FREQ=DAILY;COUNT=2", "mode": mode}});
        let task = user.create(body).await?;
        complete(&user, &task).await?;
        post(&user, &format!("{}/reopen", path(&task)?)).await?;
        let next = complete(&user, &task).await?["next"].clone();
        let last = appears(&user, &next["id"]).await?;
        ensure!(complete(&user, &last).await?["next"].is_null(), "{mode}");
        let series = format!("/api/series/{}", text(&task, "series_id")?);
        wait::until("the end of the series", DELIVERY_LIMIT, async || {
            let series = user.get(&series).send().await?.expect(200)?.json()?;
            Ok((series["ended_by"] == "rule").then_some(()))
        })
        .await?;
    }
    Ok(())
}

//! `POST /api/sync`: what clients have done offline to a series and to reminders.

use anyhow::{Context, Result, ensure};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::client::{Requests, User, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;
use uuid::Uuid;

use super::super::reminders::{notified, remind, reminder_of};
use super::super::series::{appears, complete, tasks_of, weekly};
use super::super::tasks::path;
use super::offline::{change, is, one, push, read};

/// The state of a rejected operation.
fn refused(result: &Value, status: u16) -> Result<()> {
    is(result, "rejected")?;
    ensure!(result["problem"]["status"] == status, "{result}");
    Ok(())
}

/// Sends an operation on a reminder and returns its result.
async fn answer(
    user: &User,
    op: &str,
    task: &Value,
    reminder: &Value,
    more: Value,
) -> Result<Value> {
    let mut operation = json!({"op_id": Uuid::new_v4(), "op": op, "task_id": task["id"], "reminder_id": reminder["id"]});
    let members = more.as_object().context("no object")?;
    operation
        .as_object_mut()
        .context("no object")?
        .extend(members.clone());
    push(user, json!([operation]))
        .await?
        .pop()
        .context("no result")
}

/// A snooze counts from when it was done. Each change has a number, so other devices hear of it.
pub async fn reminders_answered_offline(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = remind(&user, json!([{"before": "PT30M"}])).await?;
    let reminder = reminder_of(&user, &task).await?;
    let before = super::page(&user, &Value::Null, 1000).await?;
    let done = Utc::now() - TimeDelta::minutes(4);
    let snooze = json!({"fields": {"for": "PT10M"}, "occurred_at": done.to_rfc3339_opts(SecondsFormat::Micros, true)});
    let result = answer(&user, "snooze", &task, &reminder, snooze).await?;
    is(&result, "applied")?;
    ensure!(result["task"] == read(&user, &task).await?, "{result}");
    let snoozed = reminder_of(&user, &task).await?;
    let fires = chrono::DateTime::parse_from_rfc3339(&text(&snoozed, "fires_at")?)?;
    ensure!(
        (fires.to_utc() - done - TimeDelta::minutes(10)).abs() < TimeDelta::seconds(1),
        "{snoozed}"
    );
    let page = super::page(&user, &before["cursor"], 1000).await?;
    ensure!(
        page["reminders"][0]["snoozed_until"] == snoozed["snoozed_until"],
        "{page}"
    );
    let until = json!({"fields": {"until": "2091-03-01T09:00:00Z"}});
    is(
        &answer(&user, "snooze", &task, &reminder, until.clone()).await?,
        "applied",
    )?;
    let snoozed = reminder_of(&user, &task).await?;
    ensure!(
        snoozed["fires_at"] == "2091-03-01T09:00:00.000000Z",
        "{snoozed}"
    );
    for _ in 0..2 {
        is(
            &answer(&user, "ack", &task, &reminder, json!({})).await?,
            "applied",
        )?;
        let acknowledged = reminder_of(&user, &task).await?;
        ensure!(acknowledged["state"] == "acknowledged", "{acknowledged}");
    }
    // Reminders of other tasks and of other users are not there.
    let other = user.create(json!({"title": "Other"})).await?;
    refused(
        &answer(&user, "ack", &other, &reminder, json!({})).await?,
        404,
    )?;
    let stranger = fixture.api.new_user("UTC").await?;
    let own = stranger.create(json!({"title": "Own"})).await?;
    refused(
        &answer(&stranger, "ack", &own, &reminder, json!({})).await?,
        404,
    )?;
    refused(
        &answer(&stranger, "ack", &task, &reminder, json!({})).await?,
        404,
    )?;
    complete(&user, &task).await?;
    refused(
        &answer(&user, "snooze", &task, &reminder, until).await?,
        409,
    )
}

/// A device says late that a reminder is snoozed until a time for which it has fired already. It does not fire again.
pub async fn a_late_snooze(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = remind(&user, json!([{"before": "PT30M"}])).await?;
    let reminder = reminder_of(&user, &task).await?;
    let until = Utc::now() + TimeDelta::seconds(1);
    let until = json!({"fields": {"until": until.to_rfc3339_opts(SecondsFormat::Millis, true)}});
    let snooze = async || answer(&user, "snooze", &task, &reminder, until.clone()).await;
    is(&snooze().await?, "applied")?;
    is(&snooze().await?, "applied")?;
    notified(&user, 1).await?;
    is(&snooze().await?, "applied")?;
    let after = reminder_of(&user, &task).await?;
    ensure!(
        after["state"] == "fired" && after["fires_at"].is_null(),
        "{after}"
    );
    Ok(())
}

/// A series is paused and resumed with its task. After it is resumed, the next occurrence is there at once.
pub async fn pauses_offline(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    let operation = |op_id: &str, op: &str| json!({"op_id": op_id, "op": op, "task_id": task["id"], "base_version": 1});
    let batch = json!([operation("1", "pause"), operation("2", "complete")]);
    for _ in 0..2 {
        let results = push(&user, batch.clone()).await?;
        is(&results[0], "applied")?;
        is(&results[1], "applied")?;
        ensure!(
            results[0]["task"]["recurrence"]["paused_at"].is_string() && results[1]["version"] == 3,
            "{results:?}"
        );
    }
    ensure!(
        tasks_of(&user, &task).await?.len() == 1,
        "an occurrence of a paused series"
    );
    is(
        &one(&user, "resume", &task, 3, Value::Null).await?,
        "applied",
    )?;
    let tasks = tasks_of(&user, &task).await?;
    ensure!(
        tasks.len() == 2 && tasks[1]["recurrence"]["paused_at"].is_null(),
        "{tasks:?}"
    );
    is(
        &one(&user, "resume", &task, 3, Value::Null).await?,
        "applied",
    )?;
    let plain = user.create(json!({"title": "Once"})).await?;
    refused(&one(&user, "pause", &plain, 1, Value::Null).await?, 409)?;
    user.delete(&format!("{}?scope=all", path(&tasks[1])?))
        .send()
        .await?
        .expect(204)?;
    refused(&one(&user, "pause", &task, 3, Value::Null).await?, 409)
}

/// One device moves an occurrence, another one changes the rule of the series: both hold. And all occurrences to come move offline, too.
pub async fn series_move_offline(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    change(
        &user,
        &task,
        json!({"recurrence": {"rule": "FREQ=DAILY;INTERVAL=2"}}),
    )
    .await?;
    let due = json!({"due": {"date": "2026-03-03"}});
    let mut moved = json!({"op_id": "1", "op": "update", "task_id": task["id"], "base_version": 1, "fields": due, "scope": "this"});
    let result = &push(&user, json!([moved])).await?[0];
    is(result, "merged")?;
    let now = &result["task"];
    ensure!(
        now["due"] == due["due"] && now["recurrence"]["rule"] == "FREQ=DAILY;INTERVAL=2",
        "{now}"
    );
    let next = complete(&user, &task).await?["next"].clone();
    ensure!(next["occurrence"] == "2026-03-03", "{next}");
    let made = appears(&user, &next["id"]).await?;
    // A title of the series, from another device, stays.
    change(&user, &made, json!({"title": "Water them"})).await?;
    moved = json!({"op_id": "2", "op": "update", "task_id": made["id"], "base_version": 1, "scope": "future",
        "fields": {"due": {"date": "2026-03-10"}, "recurrence": {"rule": "FREQ=WEEKLY"}}});
    let result = &push(&user, json!([moved])).await?[0];
    is(result, "merged")?;
    let now = &result["task"];
    ensure!(
        now["series_id"] != task["series_id"]
            && now["occurrence"] == "2026-03-10"
            && now["occurrence_number"] == 1
            && now["title"] == "Water them",
        "{now}"
    );
    let next = complete(&user, &made).await?["next"].clone();
    ensure!(next["occurrence"] == "2026-03-17", "{next}");
    ensure!(
        appears(&user, &next["id"]).await?["title"] == "Water them",
        "{next}"
    );
    let conflicts = user.pages("/api/conflicts").await?;
    ensure!(conflicts.is_empty(), "{conflicts:?}");
    Ok(())
}

/// One device pauses a series, another one changes its rule without having seen that: both hold. So they do for a series that is split.
pub async fn a_pause_outlives_the_rule(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    is(
        &one(&user, "pause", &task, 1, Value::Null).await?,
        "applied",
    )?;
    let rule = |rule: &str| json!({"due": {"date": "2026-03-03"}, "recurrence": {"rule": rule}});
    let result = one(&user, "update", &task, 1, rule("FREQ=DAILY")).await?;
    let paused = &result["task"]["recurrence"];
    ensure!(
        paused["paused_at"].is_string() && paused["rule"] == "FREQ=DAILY",
        "{result}"
    );
    ensure!(
        complete(&user, &task).await?["next"].is_null(),
        "an occurrence of a paused series"
    );
    is(
        &one(&user, "resume", &task, 4, Value::Null).await?,
        "applied",
    )?;
    let second = tasks_of(&user, &task).await?.pop().context("no task")?;
    ensure!(second["occurrence_number"] == 2, "{second}");
    is(
        &one(&user, "pause", &second, 1, Value::Null).await?,
        "applied",
    )?;
    let split = one(&user, "update", &second, 1, rule("FREQ=MONTHLY")).await?;
    ensure!(
        split["task"]["recurrence"]["paused_at"].is_string()
            && split["task"]["series_id"] != second["series_id"],
        "{split}"
    );
    Ok(())
}

/// A rule that has lost comes back with one call, although its series began elsewhere.
pub async fn a_lost_rule_comes_back(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    let fields = |day: u8, rule: &str| json!({"due": {"date": format!("2026-03-{day:02}")}, "recurrence": {"rule": rule}});
    is(
        &one(&user, "update", &task, 1, fields(3, "FREQ=DAILY")).await?,
        "applied",
    )?;
    for mine in [fields(5, "FREQ=MONTHLY"), json!({"recurrence": null})] {
        let lost = one(&user, "update", &task, 1, mine).await?;
        is(&lost, "conflict")?;
        let conflicts = lost["conflicts"].as_array().context("no list")?;
        let conflict = conflicts.iter().find(|one| one["field"] == "recurrence");
        let conflict = conflict.context("the rule is not in the log")?;
        let path = format!("/api/conflicts/{}/restore", text(conflict, "id")?);
        let restored = user.post(&path).send().await?.expect(200)?.json()?;
        ensure!(
            restored["recurrence"]["rule"] == conflict["theirs"]["rule"],
            "{restored}"
        );
    }
    Ok(())
}

/// A series that begins with a task that is done has its next occurrence at once.
pub async fn a_done_task_begins_a_series(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let once = user.create(json!({"title": "Once"})).await?;
    complete(&user, &once).await?;
    let fields = json!({"due": {"date": "2026-03-03"}, "recurrence": {"rule": "FREQ=DAILY"}});
    let result = one(&user, "update", &once, 2, fields).await?;
    is(&result, "applied")?;
    let begun = &result["task"];
    let tasks = tasks_of(&user, begun).await?;
    ensure!(
        tasks.len() == 2 && tasks[1]["due"]["date"] == "2026-03-04",
        "{tasks:?}"
    );
    Ok(())
}

/// An occurrence that was taken back is made anew with the values that the series has then. To a device that knew it from before, those are
/// changes of others.
pub async fn an_occurrence_is_made_anew(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    change(&user, &task, json!({"reminders": [{"before": "PT45M"}]})).await?;
    let next = complete(&user, &task).await?["next"]["id"].clone();
    let known = appears(&user, &next).await?;
    reminder_of(&user, &known).await?;
    let reopen = format!("{}/reopen", path(&task)?);
    user.post(&reopen).send().await?.expect(200)?;
    user.get(&path(&known)?).send().await?.problem(410)?;
    let without = json!({"title": "Water them", "reminders": []});
    change(&user, &task, without).await?;
    complete(&user, &task).await?;
    let anew = appears(&user, &next).await?;
    ensure!(anew["title"] == "Water them", "{anew}");
    let all = user.get("/api/sync").send().await?.expect(200)?.json()?;
    ensure!(all["reminders"] == json!([]), "{}", all["reminders"]);
    let result = one(&user, "update", &known, 1, json!({"title": "Mine"})).await?;
    is(&result, "conflict")?;
    ensure!(
        result["conflict"]["theirs"] == "Water them" && result["task"]["title"] == "Mine",
        "{result}"
    );
    Ok(())
}

/// The next occurrence was taken back, restored and done. The API makes the one after it when the series begins anew with a done task.
pub async fn a_series_begins_anew_before_what_is_done(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    let next = complete(&user, &task).await?["next"]["id"].clone();
    let next = appears(&user, &next).await?;
    for path in [
        format!("{}/reopen", path(&task)?),
        format!("{}/restore", path(&next)?),
    ] {
        user.post(&path).send().await?.expect(200)?;
    }
    let last = complete(&user, &next).await?["next"]["id"].clone();
    let version = &read(&user, &task).await?["version"];
    let operation = |op: &str| json!({"op_id": Uuid::new_v4(), "op": op, "task_id": task["id"], "base_version": version});
    let mut rule = operation("update");
    rule["scope"] = json!("future");
    rule["fields"] =
        json!({"due": {"date": "2026-03-01"}, "recurrence": {"rule": "FREQ=WEEKLY;BYDAY=SU"}});
    for result in push(&user, json!([operation("complete"), rule])).await? {
        is(&result, "applied")?;
    }
    user.get(&format!("/api/tasks/{}", last.as_str().context("no id")?))
        .send()
        .await?
        .expect(200)?;
    Ok(())
}

/// The next occurrence of what repeats after it is done counts from when the client says that it was done.
pub async fn days_after_an_offline_completion(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Pacific/Auckland").await?;
    let task = json!({
        "title": "Water the cactus", "due": {"date": "2026-01-05"},
        "recurrence": {"rule": "FREQ=DAILY;INTERVAL=30", "mode": "after_completion"},
    });
    let task = user.create(task).await?;
    let age = include_str!("../../../sql/age_task.sql");
    let id = text(&task, "id")?;
    fixture.database.execute(age, &[&id]).await?;
    // In the evening of one day in UTC it is the next day in Auckland.
    let done = (Utc::now() - TimeDelta::days(4)).date_naive();
    let occurred_at = format!("{done}T20:30:00.000000Z");
    let complete = json!([{
        "op_id": Uuid::new_v4(), "op": "complete", "task_id": task["id"], "base_version": 1, "occurred_at": occurred_at,
    }]);
    let result = push(&user, complete).await?.remove(0);
    is(&result, "applied")?;
    ensure!(result["task"]["completed_at"] == occurred_at, "{result}");
    let expected = json!({"date": (done + TimeDelta::days(1 + 30)).to_string()});
    let next = wait::until("the next occurrence", DELIVERY_LIMIT, async || {
        let tasks = tasks_of(&user, &task).await?;
        Ok(tasks
            .into_iter()
            .find(|task| task["completed_at"].is_null()))
    })
    .await?;
    ensure!(next["due"] == expected, "not {expected}: {next}");
    Ok(())
}

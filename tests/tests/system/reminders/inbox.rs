//! What a user does with a reminder that has fired, and what must not happen to it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests, User, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;

use super::super::series::patch;
use super::super::tasks::path;
use super::{is, let_be_due, notified, on_the_trail, remind, reminder_of, reminders_of};

async fn answer(user: &User, reminder: &Value, what: &str, body: Option<Value>) -> Result<Value> {
    let path = format!("/api/reminders/{}/{what}", text(reminder, "id")?);
    let request = user.post(&path);
    let request = match &body {
        Some(body) => request.json(body),
        None => request,
    };
    request.send().await?.expect(200)?.json()
}

/// A reminder repeats until somebody acknowledges it. Repetitions that were missed are one.
pub async fn repeated_until_acknowledged(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = remind(&user, json!([{"on": "due", "repeat": "PT10M"}])).await?;
    let reminder = reminder_of(&user, &task).await?;
    // Six repetitions have been missed.
    let_be_due(fixture, &reminder, 3605.0).await?;
    let all = notified(&user, 1).await?;
    ensure!(all[0]["late"] == true, "{all:?}");
    let fired = reminder_of(&user, &task).await?;
    ensure!(
        fired["state"] == "fired" && fired["fires_at"].is_string(),
        "{fired}"
    );
    let next: chrono::DateTime<chrono::Utc> = text(&fired, "fires_at")?.parse()?;
    let ahead = next - chrono::Utc::now();
    ensure!(
        ahead > chrono::TimeDelta::zero() && ahead <= chrono::TimeDelta::minutes(10),
        "{fired}"
    );
    let_be_due(fixture, &reminder, 0.0).await?;
    let all = notified(&user, 2).await?;
    ensure!(all.len() == 2 && all[0]["late"] == false, "{all:?}");
    let acknowledged = answer(&user, &reminder, "ack", None).await?;
    is(&acknowledged, "acknowledged", None)?;
    ensure!(
        answer(&user, &reminder, "ack", None).await? == acknowledged,
        "acknowledged twice"
    );
    let fired = ["reminder.due", "reminder.sent"];
    let all = [
        &["reminder.scheduled"],
        &fired[..],
        &fired,
        &["reminder.cancelled"],
    ]
    .concat();
    on_the_trail(&fixture.database, &user, &task, &all).await
}

/// A snoozed reminder fires again at that time.
pub async fn a_reminder_is_snoozed(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = remind(&user, json!([{"on": "due"}])).await?;
    let reminder = reminder_of(&user, &task).await?;
    let_be_due(fixture, &reminder, 0.0).await?;
    notified(&user, 1).await?;
    let until = "2090-01-01T00:00:00.000000Z";
    let snoozed = answer(&user, &reminder, "snooze", Some(json!({"until": until}))).await?;
    is(&snoozed, "scheduled", Some(until))?;
    ensure!(snoozed["snoozed_until"] == until, "{snoozed}");
    let snoozed = answer(&user, &reminder, "snooze", Some(json!({"for": "PT1S"}))).await?;
    ensure!(snoozed["fires_at"] == snoozed["snoozed_until"], "{snoozed}");
    notified(&user, 2).await?;
    let fired = reminder_of(&user, &task).await?;
    is(&fired, "fired", None)?;
    ensure!(
        fired["deliveries"].as_array().map(Vec::len) == Some(2),
        "{fired}"
    );
    let snoozes = ["reminder.snoozed"; 2];
    let fired = ["reminder.due", "reminder.sent"];
    let all = [&["reminder.scheduled"], &fired[..], &snoozes, &fired].concat();
    on_the_trail(&fixture.database, &user, &task, &all).await?;
    patch(&user, &path(&task)?, json!({"status": "completed"})).await?;
    let path = format!("/api/reminders/{}/snooze", text(&reminder, "id")?);
    let body = json!({"for": "PT1H"});
    user.post(&path).json(&body).send().await?.expect(409)?;
    Ok(())
}

/// One reminder is added, changed and removed.
pub async fn one_reminder_changes(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = remind(&user, json!([])).await?;
    let add = format!("{}/reminders", path(&task)?);
    let send = async || -> Result<Value> {
        let request = user.post(&add).key("once");
        request
            .json(&json!({"before": "PT30M"}))
            .send()
            .await?
            .expect(201)?
            .json()
    };
    let added = send().await?;
    is(&added, "scheduled", Some("2090-03-01T07:30:00.000000Z"))?;
    ensure!(send().await? == added, "the key does not count");
    let one = format!("/api/reminders/{}", text(&added, "id")?);
    let changed = patch(&user, &one, json!({"before": "PT1H", "repeat": "PT5M"})).await?;
    is(&changed, "scheduled", Some("2090-03-01T07:00:00.000000Z"))?;
    ensure!(
        changed["repeat"] == "PT5M" && changed["id"] == added["id"],
        "{changed}"
    );
    let now = user.get(&path(&task)?).send().await?.expect(200)?.json()?;
    ensure!(
        now["version"] == 3 && now["reminders"][0]["before"] == "PT1H",
        "{now}"
    );
    user.delete(&one).send().await?.expect(204)?;
    user.delete(&one).send().await?.expect(404)?;
    ensure!(reminders_of(&user, &task).await?.is_empty(), "not removed");
    Ok(())
}

/// Notifications are listed in pages and marked as read.
pub async fn the_inbox(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let reminders: Vec<_> = (1..=5)
        .map(|hours| json!({"before": format!("PT{hours}H")}))
        .collect();
    remind(&user, json!(reminders)).await?;
    fixture
        .database
        .execute(include_str!("../../../sql/move_reminders.sql"), &[&user.id])
        .await?;
    let all = notified(&user, 5).await?;
    ensure!(
        user.pages("/api/notifications?limit=2").await? == all,
        "pages differ"
    );
    let list = async |query: &str| -> Result<Value> {
        let path = format!("/api/notifications{query}");
        user.get(&path).send().await?.expect(200)?.json()
    };
    ensure!(list("?limit=1").await?["unread"] == 5, "not five");
    let read = async |ids: Value| -> Result<Value> {
        let request = user.post("/api/notifications/read");
        let body = json!({ "ids": ids });
        request.json(&body).send().await?.expect(200)?.json()
    };
    let other = fixture.api.new_user("UTC").await?;
    let request = other.post("/api/notifications/read");
    let marked = request.json(&json!({"ids": [all[0]["id"]]}));
    let marked = marked.send().await?.expect(200)?.json()?;
    ensure!(marked["read"] == 0, "another user marks it: {marked}");
    ensure!(
        read(json!([all[0]["id"]])).await?["read"] == 1,
        "not marked"
    );
    ensure!(
        read(json!([all[0]["id"]])).await?["read"] == 0,
        "marked twice"
    );
    let unread = list("?unread=true").await?;
    ensure!(unread["unread"] == 4, "{unread}");
    ensure!(
        unread["items"].as_array().context("no items")?[..] == all[1..],
        "{unread}"
    );
    ensure!(read(Value::Null).await?["read"] == 4, "not all are marked");
    ensure!(
        list("?unread=true").await?["items"] == json!([]),
        "some are left"
    );
    Ok(())
}

/// However many agents look at the same time, each reminder fires once.
pub async fn many_agents_at_once(fixture: &mut Fixture) -> Result<()> {
    let mut users = Vec::new();
    for _ in 0..5 {
        let user = fixture.api.new_user("UTC").await?;
        let twenty: Vec<_> = (1..=20)
            .map(|hours| json!({"before": format!("PT{hours}H")}))
            .collect();
        remind(&user, json!(twenty)).await?;
        users.push(user);
    }
    let mut agents = Vec::new();
    for _ in 0..6 {
        agents.push(fixture.connect().await?);
    }
    for user in &users {
        let statement = include_str!("../../../sql/move_reminders.sql");
        fixture.database.execute(statement, &[&user.id]).await?;
    }
    let statement = include_str!("../../../sql/fire_reminders.sql");
    let rounds = agents.iter().map(|agent| async move {
        for _ in 0..10 {
            agent.query_one(statement, &[]).await?;
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(rounds).await?;
    for user in &users {
        let all = notified(user, 20).await?;
        ensure!(all.len() == 20, "{} notifications", all.len());
        let [_, deliveries, notifications] = rows(fixture, user).await?;
        ensure!(
            (deliveries, notifications) == (20, 20),
            "{deliveries} {notifications}"
        );
    }
    Ok(())
}

/// What was missed while no agent ran fires once, marked as late.
pub async fn the_host_was_down(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = remind(
        &user,
        json!([{"on": "due", "repeat": "PT10M"}, {"before": "PT1H"}]),
    )
    .await?;
    let reminders = reminders_of(&user, &task).await?;
    fixture.system.host()?.kill9().await;
    for reminder in &reminders {
        let_be_due(fixture, reminder, 1500.0).await?;
    }
    fixture.system.host()?.start().await?;
    let all = notified(&user, 2).await?;
    ensure!(
        all.len() == 2 && all.iter().all(|one| one["late"] == true),
        "{all:?}"
    );
    Ok(())
}

/// Nothing of reminders is left of an account that was deleted.
pub async fn a_deleted_account_has_no_reminders(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = remind(&user, json!([{"on": "due"}, {"before": "PT1H"}])).await?;
    let_be_due(fixture, &reminders_of(&user, &task).await?[0], 0.0).await?;
    notified(&user, 1).await?;
    ensure!(rows(fixture, &user).await? == [2, 1, 1], "other rows");
    let request = user.delete("/api/auth/me");
    request
        .json(&json!({"password": PASSWORD}))
        .send()
        .await?
        .expect(204)?;
    wait::until("no rows of reminders", DELIVERY_LIMIT, async || {
        Ok((rows(fixture, &user).await? == [0, 0, 0]).then_some(()))
    })
    .await
}

async fn rows(fixture: &Fixture, user: &User) -> Result<[i64; 3]> {
    let statement = include_str!("../../../sql/rows_of_reminders.sql");
    let row = fixture.database.query_one(statement, &[&user.id]).await?;
    Ok([row.get(0), row.get(1), row.get(2)])
}

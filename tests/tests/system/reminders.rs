//! Reminders as a user has them: they follow their task, and arrive in the inbox.

pub mod channels;
pub mod inbox;
pub mod messages;
pub mod storm;
pub mod times;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, User, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::{golden, wait};
use tokio_postgres::Client;

use super::series::{appears, complete, patch, post};
use super::tasks::path;

/// A task that is due years ahead, with these reminders.
pub async fn remind(user: &User, reminders: Value) -> Result<Value> {
    user.create(json!({
        "title": "Call Ada", "due": {"datetime": "2090-03-01T09:00:00", "timezone": "Europe/Berlin"}, "reminders": reminders,
    }))
    .await
}

/// The reminders of a task, with what became of them.
pub async fn reminders_of(user: &User, task: &Value) -> Result<Vec<Value>> {
    let list = format!("{}/reminders", path(task)?);
    let list = user.get(&list).send().await?.expect(200)?.json()?;
    Ok(list["items"].as_array().context("no items")?.clone())
}

/// The only reminder of a task.
pub async fn reminder_of(user: &User, task: &Value) -> Result<Value> {
    let [reminder] = <[Value; 1]>::try_from(reminders_of(user, task).await?)
        .map_err(|reminders| anyhow::anyhow!("not one reminder: {reminders:?}"))?;
    Ok(reminder)
}

/// Lets a reminder be due for some seconds.
pub async fn let_be_due(fixture: &Fixture, reminder: &Value, seconds: f64) -> Result<()> {
    let statement = include_str!("../../sql/move_reminder.sql");
    let id = text(reminder, "id")?;
    let moved = fixture
        .database
        .execute(statement, &[&id, &seconds])
        .await?;
    ensure!(moved == 1, "there is no reminder {id}");
    Ok(())
}

/// Waits until the inbox has so many notifications. Returns them, newest first.
pub async fn notified(user: &User, count: usize) -> Result<Vec<Value>> {
    let what = format!("{count} notifications");
    wait::until(&what, DELIVERY_LIMIT, async || {
        let items = user.pages("/api/notifications").await?;
        Ok((items.len() >= count).then_some(items))
    })
    .await
}

/// Waits until the audit trail of a task has these events of its reminders, and compares them with their golden files.
pub async fn on_the_trail(
    database: &Client,
    user: &User,
    task: &Value,
    kinds: &[&str],
) -> Result<()> {
    let statement = include_str!("../../sql/user_events.sql");
    wait::until(
        &format!("{kinds:?} on the trail"),
        DELIVERY_LIMIT,
        async || {
            let history = user.pages(&format!("{}/history", path(task)?)).await?;
            let found: Vec<_> = history
                .iter()
                .filter_map(|entry| entry["type"].as_str())
                .filter(|kind| kind.starts_with("reminder."))
                .collect();
            let all = kinds.iter().all(|kind| {
                let of_kind = |kinds: &[&str]| kinds.iter().filter(|other| *other == kind).count();
                of_kind(&found) == of_kind(kinds)
            });
            match all && found.len() == kinds.len() {
                true => Ok(Some(())),
                false => anyhow::bail!("{found:?}"),
            }
        },
    )
    .await?;
    for row in database.query(statement, &[&user.id]).await? {
        let event: Value = serde_json::from_str(row.get(0))?;
        let golden = golden::newest(&text(&event, "type")?)?;
        golden::check_shape(&golden, &event).with_context(|| event.to_string())?;
    }
    Ok(())
}

fn is(reminder: &Value, state: &str, fires_at: Option<&str>) -> Result<()> {
    ensure!(
        reminder["state"] == state && reminder["fires_at"].as_str() == fires_at,
        "not {state} for {fires_at:?}: {reminder}"
    );
    Ok(())
}

/// A reminder fires when its time has come, once, into the inbox.
pub async fn a_reminder_fires_once(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let soon = chrono::Utc::now() + chrono::TimeDelta::seconds(5);
    let soon = soon.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let task = remind(&user, json!([{"at": soon}])).await?;
    let all = notified(&user, 1).await?;
    let notification = all.first().context("no notification")?;
    ensure!(all.len() == 1, "{all:?}");
    ensure!(
        notification["task_id"] == task["id"]
            && notification["title"] == "Call Ada"
            && notification["due"] == task["due"]
            && notification["late"] == false
            && notification["read_at"].is_null(),
        "{notification}"
    );
    let fired = reminder_of(&user, &task).await?;
    is(&fired, "fired", None)?;
    ensure!(
        fired["deliveries"][0]["status"] == "sent"
            && fired["deliveries"][0]["channel"] == "in_app"
            && fired["id"] == notification["reminder_id"],
        "{fired}"
    );
    // The ticks that bring a second one fire nothing else.
    let other = remind(&user, json!([{"on": "due"}])).await?;
    let_be_due(fixture, &reminder_of(&user, &other).await?, 0.0).await?;
    let all = notified(&user, 2).await?;
    ensure!(
        all.len() == 2 && all[0]["task_id"] == other["id"],
        "{all:?}"
    );
    Ok(())
}

/// Reminders move with the due date, end with the task, and come back with it.
pub async fn reminders_follow_their_task(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let task = remind(&user, json!([{"before": "PT90M"}])).await?;
    ensure!(task["reminders"][0]["before"] == "PT1H30M", "{task}");
    let first = Some("2090-03-01T06:30:00.000000Z");
    is(&reminder_of(&user, &task).await?, "scheduled", first)?;
    let due = json!({"due": {"datetime": "2090-03-02T09:00:00", "timezone": "Europe/Berlin"}});
    let moved = patch(&user, &path(&task)?, due).await?;
    ensure!(moved["reminders"] == task["reminders"], "{moved}");
    let second = Some("2090-03-02T06:30:00.000000Z");
    is(&reminder_of(&user, &task).await?, "scheduled", second)?;
    complete(&user, &task).await?;
    is(&reminder_of(&user, &task).await?, "cancelled", None)?;
    post(&user, &format!("{}/reopen", path(&task)?)).await?;
    is(&reminder_of(&user, &task).await?, "scheduled", second)?;
    user.delete(&path(&task)?).send().await?.expect(204)?;
    post(&user, &format!("{}/restore", path(&task)?)).await?;
    is(&reminder_of(&user, &task).await?, "scheduled", second)?;
    patch(&user, &path(&task)?, json!({"due": null})).await?;
    is(&reminder_of(&user, &task).await?, "cancelled", None)?;
    // A client may send back what it has read, and PUT removes what it leaves out.
    let read = user.get(&path(&task)?).send().await?.expect(200)?.json()?;
    let put = async |body: &Value| -> Result<Value> {
        user.put(&path(&task)?)
            .json(body)
            .send()
            .await?
            .expect(200)?
            .json()
    };
    ensure!(put(&read).await? == read, "{read}");
    let without = put(&json!({"title": "Call Ada"})).await?;
    ensure!(without["reminders"] == json!([]), "{without}");
    ensure!(reminders_of(&user, &task).await?.is_empty(), "not removed");
    Ok(())
}

/// The next occurrence has reminders of its own, also after the first one's have fired.
pub async fn the_next_occurrence_has_its_own(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let task = user
        .create(json!({
            "title": "Water the plants", "due": {"date": "2090-03-05"}, "recurrence": {"rule": "FREQ=WEEKLY"},
            "reminders": [{"on": "due"}],
        }))
        .await?;
    let first = reminder_of(&user, &task).await?;
    is(&first, "scheduled", Some("2090-03-05T08:00:00.000000Z"))?;
    let_be_due(fixture, &first, 0.0).await?;
    notified(&user, 1).await?;
    let next = complete(&user, &task).await?["next"].clone();
    let made = appears(&user, &next["id"]).await?;
    let second = reminder_of(&user, &made).await?;
    ensure!(second["id"] != first["id"], "{second}");
    let day = text(&made["due"], "date")?;
    is(
        &second,
        "scheduled",
        Some(&format!("{day}T08:00:00.000000Z")),
    )
}

/// New tasks get the reminders of the preferences, and days count from the time of day that these name.
pub async fn preferences_of_reminders(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let me = "/api/auth/me";
    let account = user.get(me).send().await?.expect(200)?.json()?;
    ensure!(
        account["reminders"]
            == json!({"time": "09:00", "channels": ["in_app"], "defaults": [], "muted": [], "quiet": null}),
        "{account}"
    );
    let quiet = json!({"from": "00:00", "to": "23:59", "mode": "drop"});
    let preferences =
        json!({"reminders": {"time": "08:00", "defaults": [{"before": "P1D"}], "quiet": quiet}});
    let account = patch(&user, me, preferences).await?;
    ensure!(account["reminders"]["quiet"] == quiet, "{account}");
    let day = json!({"title": "t", "due": {"date": "2090-06-02"}});
    let task = user.create(day.clone()).await?;
    let reminder = reminder_of(&user, &task).await?;
    is(&reminder, "scheduled", Some("2090-06-01T06:00:00.000000Z"))?;
    // A new time of day moves what is scheduled.
    let account = patch(&user, me, json!({"reminders": {"time": "10:30"}})).await?;
    ensure!(account["reminders"]["quiet"] == quiet, "{account}");
    wait::until("the new time of day", DELIVERY_LIMIT, async || {
        let reminder = reminder_of(&user, &task).await?;
        Ok((reminder["fires_at"] == "2090-06-01T08:30:00.000000Z").then_some(()))
    })
    .await?;
    // The inbox disturbs nobody, so quiet hours do not matter.
    let_be_due(fixture, &reminder, 0.0).await?;
    notified(&user, 1).await?;
    let mut none = day;
    none["reminders"] = json!([]);
    for fields in [none, json!({"title": "Without a due date"})] {
        let task = user.create(fields).await?;
        ensure!(task["reminders"] == json!([]), "{task}");
    }
    patch(&user, me, json!({"reminders": null})).await?;
    let task = user
        .create(json!({"title": "t", "due": {"date": "2090-06-02"}}))
        .await?;
    ensure!(task["reminders"] == json!([]), "{task}");
    Ok(())
}

/// What cannot be is refused, with the place where it is.
pub async fn wrong_reminders(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = remind(&user, json!([{"on": "due"}])).await?;
    let reminder = format!("/api/reminders/{}", text(&task["reminders"][0], "id")?);
    for (item, below) in [
        (json!({}), ""),
        (json!({"before": "PT5M", "on": "due"}), ""),
        (json!({"before": "5 minutes"}), "/before"),
        (json!({"before": "P367D"}), "/before"),
        (json!({"at": "2090-03-01T08:00:00"}), "/at"),
        (json!({"on": "start"}), "/on"),
        (json!({"on": "due", "channels": []}), "/channels"),
        (
            json!({"on": "due", "channels": ["push", "push"]}),
            "/channels",
        ),
        (
            json!({"on": "due", "channels": ["email", "sms"]}),
            "/channels/1",
        ),
        (json!({"on": "due", "repeat": "PT59S"}), "/repeat"),
        (json!({"on": "due", "sound": "bell"}), "/sound"),
    ] {
        let body = json!({"title": "t", "reminders": [{"on": "due"}, item]});
        refused(
            user.post("/api/tasks").json(&body),
            &format!("/reminders/1{below}"),
        )
        .await?;
        let add = format!("{}/reminders", path(&task)?);
        refused(user.post(&add).json(&item), below).await?;
        if !below.is_empty() {
            refused(user.patch(&reminder).json(&item), below).await?;
        }
    }
    for (preferences, below) in [
        (json!({"time": "9"}), "/time"),
        (json!({"channels": ["sms"]}), "/channels/0"),
        (json!({"muted": ["in_app"]}), "/muted/0"),
        (json!({"muted": ["push", "push"]}), "/muted"),
        (
            json!({"defaults": [{"at": "2090-03-01T08:00:00Z"}]}),
            "/defaults/0/at",
        ),
        (json!({"quiet": {"from": "22:00"}}), "/quiet/to"),
    ] {
        let request = user.patch("/api/auth/me");
        let request = request.json(&json!({ "reminders": preferences }));
        refused(request, &format!("/reminders{below}")).await?;
    }
    for wrong in [json!({}), json!({"for": "PT0S"}), json!({"for": "P32D"})] {
        user.post(&format!("{reminder}/snooze"))
            .json(&wrong)
            .send()
            .await?
            .expect(422)?;
    }
    // 20 reminders are the most, at once or one by one.
    let twenty = vec![json!({"on": "due"}); 20];
    let full = patch(&user, &path(&task)?, json!({"reminders": twenty})).await?;
    ensure!(
        full["reminders"].as_array().map(Vec::len) == Some(20),
        "{full}"
    );
    let more = vec![json!({"on": "due"}); 21];
    let request = user.patch(&path(&task)?).json(&json!({"reminders": more}));
    refused(request, "/reminders").await?;
    let add = user.post(&format!("{}/reminders", path(&task)?));
    add.json(&json!({"on": "due"})).send().await?.expect(409)?;
    Ok(())
}

async fn refused(request: tests::client::RequestBuilder, pointer: &str) -> Result<()> {
    let problem = request.send().await?.expect(422)?.json()?;
    ensure!(
        problem["errors"][0]["pointer"] == pointer,
        "not at {pointer:?}: {problem}"
    );
    Ok(())
}

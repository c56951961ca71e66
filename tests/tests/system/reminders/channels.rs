//! Messages of several kinds, settings that are wrong, the clock, and two agents.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Api, Requests, User, text};
use tests::fixture::Fixture;
use tests::wait;

use super::super::recurring::batch;
use super::messages::{World, subscribe};
use super::{let_be_due, notified, remind, reminder_of, reminders_of};

const LIMIT: Duration = Duration::from_secs(30);

/// The time in so many seconds, as a request has it.
fn in_seconds(seconds: i64) -> String {
    let time = Utc::now() + TimeDelta::seconds(seconds);
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A reminder without channels goes through those of its account. A late mail says when it should have come, and a repeated one comes
/// again.
pub async fn the_channels_of_the_account(_: &mut Fixture) -> Result<()> {
    let world = World::start("resend").await?;
    let user = world.api.new_user("Europe/Berlin").await?;
    let preferences = json!({"reminders": {"channels": ["email", "in_app"]}});
    let change = user.patch("/api/auth/me").json(&preferences);
    change.send().await?.expect(200)?;
    let task = remind(&user, json!([{"on": "due", "repeat": "PT10M"}])).await?;
    world.let_all_be_due(&task).await?;
    let mail = world.mails(1).await?.remove(0);
    let body = text(&mail, "text")?;
    ensure!(!body.contains("This reminder is late"), "{body}");
    notified(&user, 1).await?;

    let statement = include_str!("../../../sql/move_reminder.sql");
    let id = text(&reminder_of(&user, &task).await?, "id")?;
    let moved = world
        .database
        .execute(statement, &[&id, &7200.0_f64])
        .await?;
    ensure!(moved == 1, "there is no reminder {id}");
    let mails = world.mails(2).await?;
    let mail = mails.last().context("no mail")?;
    for part in ["text", "html"] {
        let body = text(mail, part)?;
        ensure!(
            body.contains("This reminder is late. It was for "),
            "{body}"
        );
    }
    let all = notified(&user, 2).await?;
    ensure!(all[0]["late"] == true, "{all:?}");
    // They are two deliveries, and each is one mail.
    let deliveries = &reminder_of(&user, &task).await?["deliveries"];
    ensure!(
        deliveries.as_array().map(Vec::len) == Some(4),
        "{deliveries}"
    );
    ensure!(world.mails(2).await?.len() == 2, "{mails:?}");
    world.system.stop().await;
    Ok(())
}

/// A channel whose settings are wrong keeps its messages until they are right, says what is wrong, and disturbs no other channel.
pub async fn wrong_settings_of_a_channel(_: &mut Fixture) -> Result<()> {
    let wrong = [("MAIL_FROM", "nobody")];
    let world = World::start_with("resend", &wrong, |_| {}).await?;
    let user = world.api.new_user("UTC").await?;
    subscribe(&user, &world.push.subscribe()?, 201).await?;
    let reminders = json!([{"on": "due", "channels": ["email", "push", "in_app"]}]);
    let task = remind(&user, reminders).await?;
    world.let_all_be_due(&task).await?;
    world.messages(1).await?;
    notified(&user, 1).await?;
    let mail = async || -> Result<Option<Value>> {
        let reminder = reminder_of(&user, &task).await?;
        let deliveries = reminder["deliveries"].as_array().context("no deliveries")?;
        let mail = deliveries.iter().find(|one| one["channel"] == "email");
        let mail = mail.context("no mail")?;
        Ok((!mail["error"].is_null()).then(|| mail.clone()))
    };
    let kept = wait::until("the mail is tried", LIMIT, mail).await?;
    ensure!(
        kept["status"] == "pending" && text(&kept, "error")?.contains("mail_from"),
        "{kept}"
    );
    // The operator sees that it waits.
    let bridge = Api::new(&world.system.bridge_url(0)?)?;
    let counted = "spindle_reminder_messages{channel=\"email\",state=\"later\"} 1";
    wait::until(counted, LIMIT, async || {
        let metrics = bridge.get("/metrics").send().await?.expect(200)?;
        let metrics = String::from_utf8(metrics.body)?;
        Ok(metrics.lines().any(|line| line == counted).then_some(()))
    })
    .await?;
    world.system.stop().await;
    Ok(())
}

/// The clock of the database jumps an hour ahead and back. What is due by it fires, and nothing fires twice.
pub async fn the_clock_jumps(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let step = async |ahead: &str| {
        let statement = include_str!("../../../sql/step_reminder_clock.sql");
        let statement = statement.replace("{ahead}", ahead);
        fixture.database.batch_execute(&statement).await
    };
    let times = json!([{"at": in_seconds(30 * 60)}, {"at": in_seconds(90 * 60)}]);
    let task = remind(&user, times).await?;
    step("1 hour").await?;
    let all = notified(&user, 1).await?;
    ensure!(all[0]["late"] == true, "{all:?}");
    step("0 hours").await?;
    // The ticks that bring this one fire nothing else.
    let other = remind(&user, json!([{"on": "due"}])).await?;
    let_be_due(fixture, &reminder_of(&user, &other).await?, 0.0).await?;
    let all = notified(&user, 2).await?;
    let mut of_other = all.iter().filter(|one| one["task_id"] == other["id"]);
    ensure!(
        all.len() == 2 && of_other.next().is_some_and(|one| one["late"] == false),
        "{all:?}"
    );
    let states: BTreeSet<String> = reminders_of(&user, &task)
        .await?
        .iter()
        .map(|reminder| text(reminder, "state"))
        .collect::<Result<_>>()?;
    ensure!(
        states == BTreeSet::from(["fired".to_owned(), "scheduled".to_owned()]),
        "{states:?}"
    );
    Checker::new(&fixture.database, &[user])
        .check_reminders()
        .await
}

/// Two processes with agents and cron triggers, and the bridge's clock, find a thousand reminders at the same time. Each is one mail and
/// one notification, also at a provider that would send a mail twice.
pub async fn two_agents_by_email(_: &mut Fixture) -> Result<()> {
    const USERS: usize = 5;
    const TASKS: usize = 100;
    let world = World::start_with("mailpit", &[], |options| {
        options.fire_cron("* * * * * *");
        options.hosts = 2;
    })
    .await?;
    let at = in_seconds(10);
    let mut users: Vec<User> = Vec::new();
    for _ in 0..USERS {
        let user = world.api.new_user("UTC").await?;
        let create = |number: usize| {
            let reminder = json!({"at": at, "channels": ["email", "in_app"]});
            let task =
                json!({"title": format!("Task {number} of {}", user.id), "reminders": [reminder]});
            json!({"op": "create", "task": task})
        };
        batch(&user, (0..TASKS).map(create).collect()).await?;
        users.push(user);
    }
    world.mails_within(USERS * TASKS, 2 * LIMIT).await?;
    for user in &users {
        let all = notified(user, TASKS).await?;
        ensure!(all.len() == TASKS, "{} notifications", all.len());
    }
    Checker::new(&world.database, &users)
        .check_reminders()
        .await?;
    let mails = world.mails(0).await?;
    let subjects: BTreeSet<String> = mails
        .iter()
        .map(|mail| text(mail, "Subject"))
        .collect::<Result<_>>()?;
    ensure!(
        mails.len() == USERS * TASKS && subjects.len() == mails.len(),
        "{} mails, {} different ones",
        mails.len(),
        subjects.len()
    );
    world.system.stop().await;
    Ok(())
}

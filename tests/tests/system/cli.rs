//! The program `spindle` against a running system: offline and back, conflicts, undo, and live changes.

pub mod processes;
pub mod sessions;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::client::{Requests, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::spindle::{Spindle, Watching};
use tests::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::reminders::{let_be_due, notified, remind, reminder_of};
use super::tasks::path;

/// What is done while the server is away is here at once, is sent later, and is then on another device.
pub async fn offline_and_back(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let (mut here, there) = (
        Spindle::of(fixture, &user).await?,
        Spindle::of(fixture, &user).await?,
    );
    let added = here
        .json(&[
            "add",
            "Online",
            "--tag",
            "home",
            "--due",
            "2090-03-01T09:00",
        ])
        .await?;
    ensure!(
        added["pending"] == false && added["due"]["timezone"] == "Europe/Berlin",
        "{added}"
    );
    here.cut_off();
    let offline = here
        .run(&["add", "Offline", "--due", "2090-02-01", "--every", "week"])
        .await?;
    offline.expect(0, "saved here; will be sent at the next sync, 1 waiting")?;
    here.run(&[
        "edit",
        &here.number("Online").await?,
        "--priority",
        "urgent",
        "--tag",
        "garden",
    ])
    .await?
    .expect(0, "3 waiting")?;
    ensure!(
        here.titles(&[]).await? == ["Offline", "Online"],
        "not by due date"
    );
    ensure!(
        here.titles(&["--tag", "garden"]).await? == ["Online"],
        "the tag is not found"
    );
    for needs in [&["sync"][..], &["conflicts"], &["history", "Online"]] {
        let ran = here.run(needs).await?;
        ensure!(
            ran.code == if needs[0] == "history" { 1 } else { 4 },
            "{needs:?}: {ran:?}"
        );
    }
    ensure!(
        there.titles(&[]).await? == ["Online"],
        "it came before it was sent"
    );
    here.come_back().await?;
    let synced = here.json(&["sync"]).await?;
    ensure!(synced["sent"] == 3 && synced["pending"] == 0, "{synced}");
    ensure!(
        there.titles(&[]).await? == ["Offline", "Online"],
        "not on the other device"
    );
    let online = there
        .json(&["show", &there.number("Online").await?])
        .await?;
    ensure!(
        online["priority"] == "urgent" && online["tags"] == json!(["home", "garden"]),
        "{online}"
    );
    let done = there
        .json(&["done", &there.number("Offline").await?])
        .await?;
    ensure!(done[0]["status"] == "completed", "{done}");
    let number = there.number("Online").await?;
    let heard = || async { there.json(&["history", &number]).await };
    wait::until("the history of the task", DELIVERY_LIMIT, async || {
        let history = heard().await?;
        Ok(history
            .as_array()
            .filter(|entries| entries.len() >= 2)
            .map(|_| ()))
    })
    .await
}

/// A value that has lost is shown, and comes back on request. What cannot be done any more is rejected, and is shown, too.
pub async fn conflicts_and_rejections(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let here = Spindle::of(fixture, &user).await?;
    let task = user.create(json!({"title": "Before", "due": {"date": "2090-03-01"}, "recurrence": {"rule": "FREQ=DAILY"}})).await?;
    let number = here.number("Before").await?;
    here.run(&["edit", &number, "--title", "Mine", "--offline"])
        .await?
        .expect(0, "1 waiting")?;
    user.patch(&path(&task)?)
        .json(&json!({"title": "Theirs"}))
        .send()
        .await?
        .expect(200)?;
    here.run(&["sync"]).await?.expect(0, "conflict: Mine")?;
    let listed = here.json(&["conflicts"]).await?;
    let conflict = &listed["conflicts"][0];
    ensure!(
        conflict["field"] == "title"
            && conflict["theirs"] == "Theirs"
            && conflict["yours"] == "Mine",
        "{listed}"
    );
    let restored = here.json(&["conflicts", "restore", "1"]).await?;
    ensure!(restored["task"]["title"] == "Theirs", "{restored}");
    ensure!(
        here.titles(&["--offline"]).await? == ["Theirs"],
        "the copy has not got it"
    );

    here.run(&["skip", &number, "--offline"])
        .await?
        .expect(0, "1 waiting")?;
    user.patch(&path(&task)?)
        .json(&json!({"recurrence": null}))
        .send()
        .await?
        .expect(200)?;
    here.run(&["sync"]).await?.expect(1, "rejected: Theirs")?;
    let listed = here.json(&["conflicts"]).await?;
    ensure!(listed["rejected"][0]["change"] == "skip", "{listed}");
    here.json(&["conflicts", "dismiss"]).await?;
    let listed = here.json(&["conflicts"]).await?;
    ensure!(listed["rejected"] == json!([]), "{listed}");
    here.run(&["conflicts", "restore", "9"])
        .await?
        .expect(1, "there is no conflict 9")?;
    Ok(())
}

/// Undo takes back what a command has done as a whole, before it is sent and after.
pub async fn undo(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let here = Spindle::of(fixture, &user).await?;
    here.json(&["add", "One"]).await?;
    here.json(&["add", "Two"]).await?;
    let (one, two) = (here.number("One").await?, here.number("Two").await?);
    for offline in [&[] as &[&str], &["--offline"]] {
        let run = async |arguments: &[&str]| here.json(&[arguments, offline].concat()).await;
        run(&[
            "edit",
            &one,
            "--title",
            "Changed",
            "--tag",
            "home",
            "--remind",
            "due",
            "--due",
            "2090-03-01",
        ])
        .await?;
        run(&["done", &one, &two]).await?;
        ensure!(here.titles(&["--offline"]).await?.is_empty(), "not done");
        run(&["undo"]).await?;
        ensure!(
            here.titles(&["--offline"]).await? == ["Changed", "Two"],
            "not open again"
        );
        let back = run(&["undo"]).await?;
        ensure!(
            back[0]["title"] == "One" && back[0]["tags"] == json!([]) && back[0]["due"].is_null(),
            "{back}"
        );
    }
    here.json(&["sync"]).await?;
    let server = user.pages("/api/tasks?sort=title&order=asc").await?;
    let titles: Vec<_> = server
        .iter()
        .map(|task| (task["title"].as_str(), task["reminders"] == json!([])))
        .collect();
    ensure!(
        titles == [(Some("One"), true), (Some("Two"), true)],
        "{server:?}"
    );
    here.run(&["rm", &one]).await?.expect(0, "")?;
    here.run(&["undo"]).await?.expect(0, "")?;
    ensure!(
        user.pages("/api/tasks").await?.len() == 2,
        "the deletion was not taken back"
    );
    here.run(&["undo"]).await?.expect(0, "")?;
    here.run(&["undo"]).await?.expect(0, "")?;
    here.run(&["undo"]).await?.expect(1, "nothing to undo")?;
    Ok(())
}

/// A series pauses, resumes and ends, and a reminder that has fired is answered.
pub async fn series_and_reminders(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let here = Spindle::of(fixture, &user).await?;
    let task = remind(&user, json!([{"on": "due"}])).await?;
    let number = here.number(&text(&task, "title")?).await?;
    here.run(&["ack", &number])
        .await?
        .expect(1, "no reminder of")?;
    let_be_due(fixture, &reminder_of(&user, &task).await?, 0.0).await?;
    notified(&user, 1).await?;
    here.json(&["snooze", &number, "1h"]).await?;
    let reminder = reminder_of(&user, &task).await?;
    ensure!(
        reminder["state"] == "scheduled" && !reminder["snoozed_until"].is_null(),
        "{reminder}"
    );
    here.json(&["ack", &number]).await?;
    let reminder = reminder_of(&user, &task).await?;
    ensure!(reminder["state"] == "acknowledged", "{reminder}");

    here.json(&["add", "Daily", "--due", "2090-03-01", "--every", "day"])
        .await?;
    let daily = here.number("Daily").await?;
    let paused = here.json(&["pause", &daily]).await?;
    ensure!(!paused[0]["recurrence"]["paused_at"].is_null(), "{paused}");
    let resumed = here.json(&["undo"]).await?;
    ensure!(resumed[0]["recurrence"]["paused_at"].is_null(), "{resumed}");
    here.json(&["rm", &daily, "--scope", "all"]).await?;
    ensure!(
        here.titles(&[]).await?.len() == 1,
        "the series is still there"
    );
    Ok(())
}

/// `watch` prints what other devices change, and what other commands on this one do.
pub async fn watch_prints_changes(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let here = Spindle::of(fixture, &user).await?;
    user.create(json!({"title": "Old"})).await?;
    let mut watching = Watching::start(&here).await?;
    let task = user.create(json!({"title": "Elsewhere"})).await?;
    let event = watching.event().await?;
    ensure!(
        event["event"] == "created" && event["task"]["title"] == "Elsewhere",
        "{event}"
    );
    user.delete(&path(&task)?).send().await?.expect(204)?;
    let event = watching.event().await?;
    ensure!(
        event["event"] == "deleted" && event["task"]["title"] == "Elsewhere",
        "{event}"
    );
    here.json(&["add", "Here"]).await?;
    let event = watching.event().await?;
    ensure!(
        event["event"] == "created" && event["task"]["title"] == "Here",
        "{event}"
    );
    // What was saved offline is sent by the watcher.
    here.json(&[
        "edit",
        &here.number("Here").await?,
        "--title",
        "There",
        "--offline",
    ])
    .await?;
    let sent = async || {
        let tasks = user.pages("/api/tasks?q=There").await?;
        Ok((!tasks.is_empty()).then_some(()))
    };
    wait::until("the watcher sends what waits", DELIVERY_LIMIT, sent).await?;
    let event = watching.event().await?;
    ensure!(event["event"] == "changed", "{event}");
    text(&event["task"], "title")?;
    // As `watch | head` does: the reader is gone, and the next line ends the program.
    let mut watch = watching.unread();
    user.create(json!({"title": "Unread"})).await?;
    let ended = timeout(DELIVERY_LIMIT, watch.wait()).await;
    let status = ended.context("watch still runs")??;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// A proxy that answers while the server is away ends no watcher, and commands say that the server is away.
pub async fn a_proxy_answers_for_the_server(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let here = Spindle::of(fixture, &user).await?;
    let away = TcpListener::bind("127.0.0.1:0").await?;
    here.proxy()?.redirect(&away.local_addr()?.to_string());
    let page = "HTTP/1.1 500 Away\r\ncontent-type: text/html\r\ncontent-length: 4\r\nconnection: close\r\n\r\nAway";
    let answering = tokio::spawn(async move {
        while let Ok((mut connection, _)) = away.accept().await {
            let mut request = [0; 4096];
            if connection.read(&mut request).await.is_ok() {
                let _ = connection.write_all(page.as_bytes()).await;
            }
        }
    });
    here.run(&["sync"]).await?.expect(4, "cannot be reached")?;
    let mut watching = Watching::spawn(&here)?;
    watching.says("interrupted").await?;
    here.proxy()?
        .redirect(fixture.api.base().trim_start_matches("http://"));
    answering.abort();
    watching.says("connected").await
}

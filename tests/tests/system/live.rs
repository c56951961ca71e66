//! Live updates: changes reach clients over WebSocket and as server-sent events, in order, and clients resume.

pub mod access;
pub mod breaks;
pub mod frames;
pub mod fuzz;
pub mod limits;
mod sent;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{SecondsFormat, TimeDelta, Utc};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::client::{Requests, User, text};
use tests::fixture::Fixture;
use tests::live::follow::{committed, follow};
use tests::live::{Events, Heard, Socket};
use tests::load::Load;

/// A task as the API shows it.
async fn shown(user: &User, task: &Value) -> Result<Value> {
    let path = format!("/api/tasks/{}", text(task, "id")?);
    user.get(&path).send().await?.expect(200)?.json()
}

/// A change comes as the task that the API shows, and a deletion as the tombstone's id. Other users hear nothing.
pub async fn changes_arrive(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let (ada, bob) = (
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    );
    let (mut socket, hello) = Socket::join(gateway, &ada, Some(0)).await?;
    ensure!(hello["seq"] == 0, "unexpected: {hello}");
    let mut events = Events::join(gateway, &ada, 0).await?;
    let hello = events.next().await?;
    ensure!(
        hello.id.is_none() && hello.data == json!({"type": "hello", "seq": 0}),
        "unexpected: {hello:?}"
    );
    let (mut other, _) = Socket::join(gateway, &bob, Some(0)).await?;

    let task = ada
        .create(json!({"title": "Buy\n🥛 and 買い物", "due": {"date": "2026-03-01"}}))
        .await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let mut expected =
        vec![json!({"type": "changed", "seq": 1, "task": shown(&ada, &task).await?})];
    let patch = ada.patch(&path).json(&json!({"tags": ["home"]}));
    patch.send().await?.expect(200)?;
    expected.push(json!({"type": "changed", "seq": 2, "task": shown(&ada, &task).await?}));
    ada.delete(&path).send().await?.expect(204)?;
    for expected in expected {
        ensure!(socket.message().await? == expected, "expected {expected}");
        let event = events.next().await?;
        let seq = expected["seq"].as_i64();
        ensure!(
            event.data == expected && event.id == seq && event.name.is_none(),
            "expected {expected}, got {event:?}"
        );
    }
    let gone = socket.message().await?;
    ensure!(
        gone["type"] == "gone"
            && gone["seq"] == 3
            && gone["id"] == task["id"]
            && gone["version"] == 3
            && gone["deleted_at"].is_string(),
        "unexpected: {gone}"
    );
    ensure!(events.next().await?.data == gone, "the event differs");

    bob.create(json!({"title": "Bob's"})).await?;
    let own = other.message().await?;
    ensure!(own["task"]["title"] == "Bob's", "unexpected: {own}");
    Ok(())
}

/// Notifications, reminders and the account come, too, each with the next number.
pub async fn other_changes_arrive(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let mut events = Events::join(gateway, &ada, 0).await?;
    events.next().await?;
    let mut seq = 0;
    let mut next = async || {
        let event = events.next().await?;
        seq += 1;
        ensure!(event.id == Some(seq), "{seq} is next, got {event:?}");
        Ok(event.data)
    };
    let at = (Utc::now() + TimeDelta::seconds(2)).to_rfc3339_opts(SecondsFormat::Secs, true);
    ada.create(json!({"title": "Now", "reminders": [{"at": at}]}))
        .await?;
    let created = next().await?;
    ensure!(created["task"]["title"] == "Now", "unexpected: {created}");
    let scheduled = next().await?;
    ensure!(
        scheduled["reminders"][0]["state"] == "scheduled",
        "unexpected: {scheduled}"
    );
    let fired = next().await?;
    ensure!(
        fired["type"] == "changed"
            && fired["reminders"][0]["state"] == "fired"
            && fired["notifications"][0]["title"] == "Now",
        "unexpected: {fired}"
    );
    let read = ada.post("/api/notifications/read");
    let read = read.json(&json!({"ids": null})).send().await?;
    read.expect(200)?;
    let read = next().await?;
    ensure!(
        read["type"] == "notification" && read["notifications"][0]["read_at"].is_string(),
        "unexpected: {read}"
    );
    let renamed = ada.patch("/api/auth/me").json(&json!({"name": "Ada"}));
    renamed.send().await?.expect(200)?;
    let renamed = next().await?;
    ensure!(
        renamed["type"] == "changed" && renamed["account"]["name"] == "Ada",
        "unexpected: {renamed}"
    );
    Ok(())
}

/// Several clients of each user hear every change once and in order, while many write at once.
pub async fn order_without_gaps(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let mut load = Load::start(&fixture.api, 4).await?;
    let users = load.users().to_vec();
    let database = fixture.system.database_url();
    let clients: Vec<_> = users
        .iter()
        .flat_map(|user| [user, user, user])
        .map(|user| (user.id, follow(user, gateway, database.clone())))
        .collect();
    load.more(600).await?;
    load.finish(600).await?;
    for (user, client) in clients {
        let goal = committed(&fixture.database, user).await?;
        let told = client.reach(goal, Duration::from_secs(60)).await?;
        // The client connected within the first changes, and then nothing kept it from hearing them as messages.
        ensure!(
            told.resyncs <= 1 && told.connections == 1 && told.changes > 50,
            "{told:?}"
        );
    }
    Ok(())
}

/// A client that was away for a moment gets what it missed, once, and goes on.
pub async fn resume_from_the_ring(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let (mut socket, _) = Socket::join(gateway, &ada, Some(0)).await?;
    ada.create(json!({"title": "heard"})).await?;
    socket.message().await?;
    drop(socket);
    // Another client shows when the changes have come.
    let (mut witness, _) = Socket::join(gateway, &ada, Some(1)).await?;
    for title in ["missed", "missed, too"] {
        ada.create(json!({"title": title})).await?;
        witness.message().await?;
    }
    let (mut socket, hello) = Socket::join(gateway, &ada, Some(1)).await?;
    ensure!(hello["seq"] == 1, "unexpected: {hello}");
    ada.create(json!({"title": "heard again"})).await?;
    for (seq, title) in [(2, "missed"), (3, "missed, too"), (4, "heard again")] {
        let message = socket.message().await?;
        ensure!(
            message["seq"] == seq && message["task"]["title"] == title,
            "unexpected: {message}"
        );
    }
    // The same over server-sent events, by the header that a client sends when it connects again.
    let query = format!("ticket={}&seq=0", tests::live::ticket(&ada).await?);
    let response = Events::request(gateway, &query, &[("last-event-id", "2")]).await?;
    let mut events = Events::of(response);
    let hello = events.next().await?;
    ensure!(
        hello.id.is_none() && hello.data["seq"] == 2,
        "unexpected: {hello:?}"
    );
    for seq in [3, 4] {
        let event = events.next().await?;
        ensure!(event.id == Some(seq), "{seq} is next, got {event:?}");
    }
    Ok(())
}

/// Who does not say how far it is, or what the gateway cannot know, has to pull.
pub async fn strangers_pull(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let (mut witness, _) = Socket::join(gateway, &ada, Some(0)).await?;
    for _ in 0..2 {
        ada.create(json!({"title": "one"})).await?;
        witness.message().await?;
    }
    for seq in [None, Some(7), Some(-1)] {
        let (mut socket, hello) = Socket::join(gateway, &ada, seq).await?;
        let resync = socket.message().await?;
        ensure!(
            hello["seq"] == 2 && resync == json!({"type": "resync", "seq": 2}),
            "{seq:?}: {hello} {resync}"
        );
    }
    // Who has everything hears nothing before the next change.
    let (mut socket, _) = Socket::join(gateway, &ada, Some(2)).await?;
    ada.create(json!({"title": "three"})).await?;
    ensure!(socket.message().await?["seq"] == 3, "three is next");
    Ok(())
}

/// Clients of two gateways hear the same.
pub async fn two_gateways(fixture: &mut Fixture) -> Result<()> {
    crate::faults::with_two_bridges(fixture, async |fixture| {
        let ada = fixture.api.new_user("UTC").await?;
        let mut sockets = Vec::new();
        for number in 0..2 {
            let gateway = fixture.system.live_address(number)?;
            sockets.push(Socket::join(gateway, &ada, Some(0)).await?.0);
        }
        for seq in 1..=20 {
            ada.create(json!({"title": "one more"})).await?;
            let heard = join_all(sockets.iter_mut().map(Socket::message)).await;
            for message in heard {
                ensure!(message?["seq"] == seq, "{seq} is next");
            }
        }
        // One of them stops, and says when to come back. The other goes on.
        fixture.system.bridge(1)?.terminate().await;
        let mut stopped = sockets.pop().context("two sockets")?;
        let (code, reason) = stopped.closed(Duration::from_secs(10)).await?;
        let after = reason["after_ms"].as_i64().unwrap_or_default();
        ensure!(
            code == 1012 && reason["reason"] == "stopping" && (500..=5000).contains(&after),
            "unexpected: {code} {reason}"
        );
        ada.create(json!({"title": "the last"})).await?;
        let heard = sockets[0].next(Duration::from_secs(20)).await?;
        ensure!(
            matches!(&heard, Heard::Message(message) if message["seq"] == 21),
            "unexpected: {heard:?}"
        );
        Ok(())
    })
    .await
}

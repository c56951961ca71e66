//! What a client may not do: too many connections, silence, too much, and reading too slowly.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::SinkExt;
use serde_json::json;
use tests::client::{Api, Requests};
use tests::fixture::Fixture;
use tests::live::{Events, PING, Socket, ticket};
use tests::wait;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

/// A user has 20 connections of both kinds. One that ends makes room for another.
pub async fn twenty_connections(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let mut sockets = Vec::new();
    for _ in 0..18 {
        sockets.push(Socket::join(gateway, &ada, Some(0)).await?.0);
    }
    let mut streams = Vec::new();
    for _ in 0..2 {
        streams.push(Events::join(gateway, &ada, 0).await?);
    }
    let mut one_more = Socket::open(gateway, None).await?;
    let first = json!({"ticket": ticket(&ada).await?});
    one_more.send(&first.to_string()).await?;
    let (code, reason) = one_more.closed(Duration::from_secs(5)).await?;
    ensure!(
        code == 4429 && reason["reason"] == "too_many_connections",
        "unexpected: {code} {reason}"
    );
    let query = format!("ticket={}", ticket(&ada).await?);
    let refused = Events::request(gateway, &query, &[]).await?;
    ensure!(
        refused.status() == 429 && refused.headers().contains_key("retry-after"),
        "unexpected: {refused:?}"
    );
    streams.pop();
    let joins = "a connection that ended makes room";
    let (mut again, _) = wait::until(joins, Duration::from_secs(10), async || {
        Socket::join(gateway, &ada, Some(0)).await.map(Some)
    })
    .await?;
    ada.create(json!({"title": "all hear it"})).await?;
    ensure!(again.message().await?["seq"] == 1, "the new one hears");
    for socket in &mut sockets {
        ensure!(socket.message().await?["seq"] == 1, "each hears");
    }
    Ok(())
}

/// A client that says nothing, or something else, is not kept.
pub async fn first_messages(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let mut silent = Socket::open(gateway, None).await?;
    for text in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"ticket":7}"#,
        r#"{"ticket":"a","seq":"7"}"#,
        r#"{"ticket":"a","seq":1.5}"#,
        r#"{"ticket":"a","more":1}"#,
        r#"{"ticket":"a","ticket":"b"}"#,
    ] {
        let mut socket = Socket::open(gateway, None).await?;
        socket.send(text).await?;
        let (code, reason) = socket.closed(Duration::from_secs(5)).await?;
        ensure!(
            code == 4400 && reason["reason"] == "bad_message",
            "{text}: {code} {reason}"
        );
    }
    // A client has nothing to say after its first message.
    let (mut talks, _) = Socket::join(gateway, &ada, Some(0)).await?;
    talks.send("{}").await?;
    let (code, _) = talks.closed(Duration::from_secs(5)).await?;
    ensure!(code == 4400, "a second message: {code}");
    let (mut floods, _) = Socket::join(gateway, &ada, Some(0)).await?;
    for _ in 0..150 {
        if floods.0.send(Message::Ping("x".into())).await.is_err() {
            break;
        }
    }
    let (code, _) = floods.closed(Duration::from_secs(5)).await?;
    ensure!(code == 1008, "a flood: {code}");
    let (code, reason) = silent.closed(Duration::from_secs(12)).await?;
    ensure!(
        code == 4408 && reason["reason"] == "no_first_message",
        "unexpected: {code} {reason}"
    );
    Ok(())
}

/// A client that does not answer pings is half open. One that answers stays.
pub async fn half_open(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let (mut silent, _) = Socket::join(gateway, &ada, Some(0)).await?;
    let (mut alive, _) = Socket::join(gateway, &ada, Some(0)).await?;
    // The silent one reads nothing, so it answers nothing. The other answers while it waits for a message that does not come.
    let nothing = alive.next(3 * PING).await;
    ensure!(nothing.is_err(), "unexpected: {nothing:?}");
    let (code, reason) = silent.closed(Duration::from_secs(5)).await?;
    ensure!(
        code == 4409 && reason["reason"] == "no_pong",
        "unexpected: {code} {reason}"
    );
    ada.create(json!({"title": "heard"})).await?;
    ensure!(alive.message().await?["seq"] == 1, "the other hears");
    Ok(())
}

/// A client that does not read is given up, and slows nobody. It resumes with its number.
pub async fn a_slow_client(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let small = TcpSocket::new_v4()?;
    small.set_recv_buffer_size(8 * 1024)?;
    let stream = small.connect(gateway).await?;
    let mut slow = Socket::over(stream, gateway, None).await?;
    let first = json!({"ticket": ticket(&ada).await?, "seq": 0});
    slow.send(&first.to_string()).await?;
    slow.message().await?;
    let (mut quick, _) = Socket::join(gateway, &ada, Some(0)).await?;
    // 80 KB each: the buffers of the kernel and the queue of the connection have a few megabytes.
    let large = json!({"title": "large", "description": "🥛".repeat(20_000)});
    let mut seq = 0;
    let bridge = Api::new(&fixture.system.bridge_url(0)?)?;
    let connections = async || {
        let metrics = bridge.get("/metrics").send().await?.expect(200)?;
        let metrics = String::from_utf8(metrics.body)?;
        let name = "spindle_live_connections{kind=\"websocket\"} ";
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        anyhow::Ok(line.context("no such metric")?.parse::<u64>()?)
    };
    ensure!(connections().await? == 2, "two are connected");
    while connections().await? == 2 {
        ensure!(seq < 400, "the slow client is still connected");
        ada.create(large.clone()).await?;
        seq += 1;
        ensure!(quick.message().await?["seq"] == seq, "{seq} is next");
    }
    let (mut resumed, hello) = Socket::join(gateway, &ada, Some(seq - 2)).await?;
    ensure!(hello["seq"] == seq - 2, "unexpected: {hello}");
    for expected in [seq - 1, seq] {
        ensure!(
            resumed.message().await?["seq"] == expected,
            "{expected} is next"
        );
    }
    Ok(())
}

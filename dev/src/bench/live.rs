//! Live connections: how long it takes from a change to the clients that hear of it, what a connection costs, and how fast all clients are
//! back after the gateway has ended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use futures::SinkExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use reqwest::Client as Http;
use serde_json::{Value, json};
use stage::system::System;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};
use tokio_postgres::Client;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Plan, cpu, ms, tokens};

/// The users with one connection each.
const SOCKETS: usize = 10_000;
/// The connections of the user with many devices.
const DEVICES: usize = 20;
/// Changes in a second.
const RATE: u32 = 100;
/// Clients that connect at the same time.
const AT_ONCE: usize = 64;
/// The longest time to wait for a message.
const LIMIT: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<TcpStream>;

/// A user with an access token.
struct Account {
    http: Http,
    api: String,
    gateway: SocketAddr,
    token: Arc<str>,
}

impl Account {
    /// Opens a connection for a client that is complete up to a number; `None` for the newest one. Returns the number of `hello`.
    async fn connect(&self, seq: Option<i64>) -> Result<(Socket, i64)> {
        let url = format!("{}/api/live/ticket", self.api);
        let answer = self.http.post(url).bearer_auth(&self.token).send().await?;
        let answer: Value = answer.error_for_status()?.json().await?;
        let stream = TcpStream::connect(self.gateway).await?;
        let url = format!("ws://{}/live", self.gateway);
        let (mut socket, _) = client_async(url, stream).await?;
        let first = json!({"ticket": answer.get("ticket"), "seq": seq});
        socket.send(Message::text(first.to_string())).await?;
        let hello = next(&mut socket).await?.context("closed")?;
        let hello: Value = serde_json::from_str(&hello)?;
        let seq = hello.get("seq").and_then(Value::as_i64);
        Ok((socket, seq.context("no hello")?))
    }

    async fn change(&self, title: &str) -> Result<()> {
        let url = format!("{}/api/tasks", self.api);
        let request = self.http.post(url).bearer_auth(&self.token);
        let request = request.json(&json!({ "title": title }));
        request.send().await?.error_for_status()?;
        Ok(())
    }
}

/// The next text message; `None` at the end of the connection.
async fn next(socket: &mut Socket) -> Result<Option<String>> {
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            return Ok(Some(text.as_str().to_owned()));
        }
    }
    Ok(None)
}

/// Passes on how long each message took, until the connection ends.
async fn listen(mut socket: Socket, heard: mpsc::UnboundedSender<Duration>) {
    while let Ok(Some(text)) = next(&mut socket).await {
        let Some(took) = took(&text) else { continue };
        if heard.send(took).is_err() {
            return;
        }
    }
}

/// The time since the change in a message was committed. The time of the change is that of the same machine.
fn took(message: &str) -> Option<Duration> {
    let message: Value = serde_json::from_str(message).ok()?;
    let changed = message.pointer("/task/updated_at")?.as_str()?;
    let changed: DateTime<Utc> = changed.parse().ok()?;
    Utc::now().signed_duration_since(changed).to_std().ok()
}

pub async fn run(plan: &Plan, system: &System, db: &Client) -> Result<()> {
    println!("\nLive connections: {SOCKETS} users at one gateway");
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let (http, api) = (Http::builder().no_proxy().build()?, system.api_url());
    let gateway = system.live_address(0)?;
    let count = i64::try_from(SOCKETS + 1)?;
    let users = tokens::users(db, system.token_keys(), count).await?;
    let accounts: Vec<Arc<Account>> = users
        .into_iter()
        .map(|(_, token)| {
            let (http, api) = (http.clone(), api.clone());
            Arc::new(Account {
                http,
                api,
                gateway,
                token,
            })
        })
        .collect();
    let (many, accounts) = accounts.split_first().context("no user")?;
    let bridge = system.bridge(0)?.pid().context("no bridge")?;

    let before = resident(bridge)?;
    let started = Instant::now();
    let sockets = connect_all(accounts).await?;
    let memory = resident(bridge)?.saturating_sub(before) / u64::try_from(SOCKETS)?;
    println!(
        "  all connected in {:.1} s, {:.1} KiB of memory for each",
        started.elapsed().as_secs_f64(),
        memory as f64 / 1024.0
    );
    let (heard, mut times) = mpsc::unbounded_channel();
    let listeners: Vec<_> = sockets
        .into_iter()
        .map(|socket| tokio::spawn(listen(socket, heard.clone())))
        .collect();

    let used = cpu::used(bridge)?;
    let changes = RATE * u32::try_from(plan.length.as_secs())?;
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    let mut writers = Vec::new();
    for (number, account) in (0..changes).zip(accounts.iter().cycle()) {
        ticks.tick().await;
        let account = account.clone();
        writers.push(tokio::spawn(async move {
            account.change(&format!("Task {number}")).await
        }));
    }
    for writer in writers {
        writer.await??;
    }
    let took = collect(&mut times, usize::try_from(changes)?).await?;
    let used = cpu::used(bridge)?.saturating_sub(used);
    println!(
        "  {changes} changes, {RATE} a second, all heard: from commit to client p50 {}, p99 {}; CPU of the bridge {:.0} µs a change",
        ms(at(&took, 50)),
        ms(at(&took, 99)),
        used.as_micros() as f64 / f64::from(changes)
    );

    let mut devices = Vec::new();
    for _ in 0..DEVICES {
        let (socket, _) = many.connect(None).await?;
        devices.push(tokio::spawn(listen(socket, heard.clone())));
    }
    let changes = 10 * usize::try_from(plan.length.as_secs())?;
    let mut ticks = interval(Duration::from_millis(100));
    for number in 0..changes {
        ticks.tick().await;
        many.change(&format!("Task {number}")).await?;
    }
    let took = collect(&mut times, changes * DEVICES).await?;
    println!(
        "  {changes} changes of a user with {DEVICES} devices, all heard: p50 {}, p99 {}",
        ms(at(&took, 50)),
        ms(at(&took, 99))
    );
    devices
        .iter()
        .chain(&listeners)
        .for_each(|task| task.abort());

    system.bridge(0)?.restart().await?;
    let started = Instant::now();
    let sockets = connect_all(accounts).await?;
    println!(
        "  the gateway starts again, {} clients are back with new tickets in {:.1} s",
        sockets.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Connects all users, some at a time.
async fn connect_all(accounts: &[Arc<Account>]) -> Result<Vec<Socket>> {
    let connecting = accounts.iter().map(|account| async {
        let (socket, _) = account.connect(None).await?;
        anyhow::Ok(socket)
    });
    stream::iter(connecting)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// The times of so many messages, in order.
async fn collect(
    times: &mut mpsc::UnboundedReceiver<Duration>,
    count: usize,
) -> Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(count);
    while took.len() < count {
        let time = timeout(LIMIT, times.recv()).await;
        let time = time.with_context(|| format!("{} of {count} messages came", took.len()))?;
        took.push(time.context("no client")?);
    }
    ensure!(times.is_empty(), "more messages than changes");
    took.sort_unstable();
    Ok(took)
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    let place = sorted.len() * percent / 100;
    sorted.get(place).copied().unwrap_or_default()
}

/// The memory of a process, in bytes.
fn resident(pid: i32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("no VmRSS")?.trim().parse::<u64>()? * 1024)
}

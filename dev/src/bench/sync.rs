//! Synchronisation through the API: the first sync of a large account, a delta of nothing, and what clients have done offline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use reqwest::Client as Http;
use serde::Deserialize;
use serde_json::{Value, json};
use stage::system::System;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{Plan, ms, tokens};

/// The sizes of the accounts that begin to synchronise.
const ACCOUNTS: [i64; 2] = [10_000, 100_000];
/// The deltas of nothing that are measured.
const DELTAS: usize = 500;
/// The operations of one request.
const BATCH: usize = 50;
/// The clients that send operations at once, each with an account of its own.
const CLIENTS: usize = 4;

/// The answer to a pull.
#[derive(Deserialize)]
struct Page {
    changes: Vec<Value>,
    cursor: String,
    more: bool,
}

/// The answer to a push.
#[derive(Deserialize)]
struct Answer {
    results: Vec<Value>,
}

/// A client of one account.
struct Device {
    http: Http,
    url: String,
    token: Arc<str>,
}

impl Device {
    async fn pull(&self, cursor: &str) -> Result<Page> {
        let url = format!("{}/api/sync?cursor={cursor}", self.url);
        let answer = self.http.get(url).bearer_auth(&self.token).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    async fn push(&self, operations: Vec<Value>) -> Result<()> {
        let url = format!("{}/api/sync", self.url);
        let body = json!({ "operations": operations });
        let request = self.http.post(url).bearer_auth(&self.token).json(&body);
        let answer: Answer = request.send().await?.error_for_status()?.json().await?;
        let mut results = answer.results.iter();
        let refused = results.find(|result| result.get("result") != Some(&json!("applied")));
        anyhow::ensure!(refused.is_none(), "{refused:?}");
        Ok(())
    }
}

pub async fn run(plan: &Plan, system: &System, db: &Client) -> Result<()> {
    println!("\nSynchronisation through the API");
    let count = i64::try_from(ACCOUNTS.len() + CLIENTS)?;
    let http = Http::builder().no_proxy().build()?;
    let devices: Vec<(Uuid, Device)> = tokens::users(db, system.token_keys(), count)
        .await?
        .into_iter()
        .map(|(user, token)| {
            let (http, url) = (http.clone(), system.api_url());
            (user, Device { http, url, token })
        })
        .collect();
    let (readers, writers) = devices.split_at(ACCOUNTS.len());
    for ((user, device), tasks) in readers.iter().zip(ACCOUNTS) {
        db.execute(include_str!("sql/fill_account.sql"), &[user, &tasks])
            .await?;
        first_sync(device, tasks).await?;
    }
    let (_, device) = readers.last().context("no account")?;
    deltas(device).await?;
    for op in ["create", "update"] {
        let started = Instant::now();
        let sent = try_join_all(
            writers
                .iter()
                .map(|(_, device)| send(device, op, plan.length)),
        )
        .await?;
        let operations: usize = sent.iter().sum();
        let rate = operations as f64 / started.elapsed().as_secs_f64();
        println!("  {op}, {CLIENTS} clients, {BATCH} operations a request: {rate:.0} operations/s");
    }
    Ok(())
}

async fn first_sync(device: &Device, tasks: i64) -> Result<()> {
    let started = Instant::now();
    let (mut cursor, mut rows, mut pages) = (String::new(), 0, 0);
    loop {
        let page = device.pull(&cursor).await?;
        pages += 1;
        rows += page.changes.len();
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    anyhow::ensure!(i64::try_from(rows)? == tasks, "{rows} of {tasks} tasks");
    println!(
        "  first sync of {tasks} tasks: {:.2} s, {pages} pages",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn deltas(device: &Device) -> Result<()> {
    let mut cursor = String::new();
    loop {
        let page = device.pull(&cursor).await?;
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    let mut latencies = Vec::with_capacity(DELTAS);
    for _ in 0..DELTAS {
        let started = Instant::now();
        device.pull(&cursor).await?;
        latencies.push(started.elapsed());
    }
    latencies.sort_unstable();
    let at = |place: usize| latencies.get(place).copied().unwrap_or_default();
    println!(
        "  delta of nothing, large account: p50 {}, p99 {}",
        ms(at(DELTAS / 2)),
        ms(at(DELTAS * 99 / 100))
    );
    Ok(())
}

/// Sends requests one after the other for a time. Returns the number of operations. Updates are of the tasks that creates made.
async fn send(device: &Device, op: &str, length: Duration) -> Result<usize> {
    let started = Instant::now();
    let mut sent = 0;
    while started.elapsed() < length {
        let first = u128::try_from(sent)?;
        let operations = (first..).take(BATCH).map(|n| {
            let task = Uuid::from_u128(0x7000_8000_0000_0000_0000 | (hash(&device.token) << 96) | n);
            match op {
                "create" => json!({"op_id": format!("create {n}"), "op": op, "task_id": task, "fields": {"title": format!("Task {n}")}}),
                _ => json!({"op_id": format!("update {n}"), "op": op, "task_id": task, "base_version": 1,
                    "fields": {"title": format!("Changed {n}"), "tags": ["home"]}}),
            }
        });
        device.push(operations.collect()).await?;
        sent += BATCH;
    }
    Ok(sent)
}

/// Tells the ids of one account's tasks from those of others.
fn hash(token: &str) -> u128 {
    token
        .bytes()
        .fold(0, |sum, byte| (sum * 31 + u128::from(byte)) & 0xffff_ffff)
}

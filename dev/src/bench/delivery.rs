//! Event delivery: throughput from the outbox to the audit trail, latency, and the cost of an idle system.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use stage::supervise::Supervised;
use stage::system::{LogKind, System};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{Plan, cpu, tokens};

/// How many users the events belong to.
const USERS: i64 = 500;
/// Events per second while latency is measured.
const RATE: u32 = 500;
/// How many connections insert events into the outbox.
const QUEUERS: usize = 4;
/// How long nothing happens before the idle system is watched. After a while the relay looks into the outbox less often, and
/// agents are sent fewer heartbeats.
const QUIET: Duration = Duration::from_secs(60);
/// How long the idle system is watched.
const IDLE: Duration = Duration::from_secs(30);
/// Delivery counts as stalled if nothing arrives for this long.
const STALLED: Duration = Duration::from_secs(20);

pub async fn run(plan: &Plan, log: LogKind, system: &System, db: &Client) -> Result<()> {
    let users = tokens::users(db, system.token_keys(), USERS).await?;
    println!(
        "\nEvent delivery on the {log:?} log: {} events of {USERS} users",
        plan.events
    );
    let bridge = system.bridge(0)?;
    // Caches fill, and Kafka's virtual machine compiles its code.
    fill_outbox(bridge, db, plan.events).await?;
    bridge.start().await?;
    arrived(db, plan.events).await?;
    fill_outbox(bridge, db, plan.events).await?;

    let postgres = system.postgres()?.running_pid()?;
    let host = system.host()?.running_pid()?;
    let before = (cpu::used(host)?, cpu::used(postgres)?);
    bridge.start().await?;
    let started = Instant::now();
    arrived(db, 2 * plan.events).await?;
    let elapsed = started.elapsed();
    let bridge_pid = bridge.running_pid()?;
    let per_event = |used: Duration| used.as_micros() as f64 / plan.events as f64;
    println!(
        "  throughput {:8.0} events/s   CPU per event: bridge {:3.0} µs, functions {:3.0} µs, Postgres {:3.0} µs",
        plan.events as f64 / elapsed.as_secs_f64(),
        per_event(cpu::used(bridge_pid)?),
        per_event(cpu::used(host)?.saturating_sub(before.0)),
        per_event(cpu::used(postgres)?.saturating_sub(before.1)),
    );

    let users: Vec<Uuid> = users.into_iter().map(|(id, _)| id).collect();
    let total = queue_steadily(plan, &system.database_url(), &users).await?;
    arrived(db, 2 * plan.events + total).await?;
    let row = db.query_one(include_str!("sql/latency.sql"), &[]).await?;
    println!(
        "  latency at {RATE} events/s, commit to audit entry: p50 {:.1} ms, p99 {:.1} ms ({} events)",
        row.get::<_, f64>(0),
        row.get::<_, f64>(1),
        row.get::<_, i64>(2),
    );
    idle(system, db).await
}

/// Stops the bridge, and fills the outbox.
async fn fill_outbox(bridge: &Supervised, db: &Client, events: i64) -> Result<()> {
    bridge.terminate().await;
    db.execute(include_str!("sql/fill_outbox.sql"), &[&events])
        .await?;
    db.batch_execute("vacuum analyze outbox").await?;
    Ok(())
}

/// Prints what the system costs while nothing happens.
async fn idle(system: &System, db: &Client) -> Result<()> {
    // What the events have left to do would be done meanwhile.
    db.batch_execute("vacuum analyze").await?;
    db.batch_execute("checkpoint").await?;
    let parts = [
        ("bridge", system.bridge(0)?.running_pid()?),
        ("functions", system.host()?.running_pid()?),
        ("Postgres", system.postgres()?.running_pid()?),
    ];
    let used =
        || -> Result<Vec<Duration>> { parts.iter().map(|(_, pid)| cpu::used(*pid)).collect() };
    tokio::time::sleep(QUIET).await;
    let before = used()?;
    tokio::time::sleep(IDLE).await;
    let percent = |used: Duration| used.as_secs_f64() * 100.0 / IDLE.as_secs_f64();
    let costs: Vec<(&str, f64)> = parts
        .iter()
        .zip(used()?.iter().zip(&before))
        .map(|((part, _), (after, before))| (*part, percent(after.saturating_sub(*before))))
        .collect();
    let all: f64 = costs.iter().map(|(_, cost)| cost).sum();
    let each: Vec<String> = costs
        .iter()
        .map(|(part, cost)| format!("{part} {cost:.2}"))
        .collect();
    println!(
        "  idle for {} s: {all:.2} % of a core ({})",
        IDLE.as_secs(),
        each.join(", ")
    );
    Ok(())
}

/// Waits until `events` entries are on the trail and the outbox is empty.
async fn arrived(db: &Client, events: i64) -> Result<()> {
    let mut last = (0, Instant::now());
    loop {
        let row = db.query_one(include_str!("sql/progress.sql"), &[]).await?;
        let (there, waiting): (i64, i64) = (row.get(0), row.get(1));
        if there >= events && waiting == 0 {
            return Ok(());
        }
        if there + waiting != last.0 {
            last = (there + waiting, Instant::now());
        } else if last.1.elapsed() > STALLED {
            bail!(
                "event delivery has stalled: {there} of {events} events are on the trail, {waiting} in the outbox"
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Inserts `RATE` events per second for the length of a measurement, each in its own transaction. Returns their number.
async fn queue_steadily(plan: &Plan, url: &str, users: &[Uuid]) -> Result<i64> {
    let total = RATE * u32::try_from(plan.length.as_secs())?;
    let start = Instant::now();
    let queuers = (0..QUEUERS).map(|number| async move {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let statement = client.prepare(include_str!("sql/queue_one.sql")).await?;
        for turn in (number..total as usize).step_by(QUEUERS) {
            tokio::time::sleep_until((start + Duration::from_secs(turn as u64) / RATE).into())
                .await;
            let user = users.get(turn % users.len().max(1)).context("no users")?;
            client.execute(&statement, &[&Uuid::now_v7(), user]).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(queuers).await?;
    Ok(i64::from(total))
}

//! Reminders: from the time at which one is due until the mail provider has it, and the cost of reminders that are not due.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use axum::Router;
use axum::body::Bytes;
use stage::system::System;
use tokio::net::TcpListener;
use tokio_postgres::Client;

use super::{connect, cpu, ms};

/// Reminders that are due within one minute.
const DUE: i64 = 10_000;
/// How often the agent's statement is run.
const LOOKS: usize = 200;
/// Nothing was sent for so long: the agent has stopped. A third attempt comes after half a minute.
const STALLED: Duration = Duration::from_secs(60);

/// The settings of a system that sends mails to a provider on this machine, which accepts each at once.
///
/// # Errors
/// The provider cannot listen.
pub async fn settings() -> Result<Vec<(String, String)>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    // A server that does not read a body closes the connection, which looks like a failure to whoever is still sending.
    let provider = Router::new().fallback(async |_: Bytes| "{}");
    tokio::spawn(async move { axum::serve(listener, provider).await });
    let settings = [
        ("MAIL_PROVIDER", "mailpit"),
        ("MAIL_URL", &url),
        ("MAIL_FROM", "tasks@example.org"),
    ];
    Ok(settings
        .map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), value.to_owned()))
        .to_vec())
}

/// Needs a system with these settings, in which the measurements of recurring tasks have made users.
pub async fn run(system: &System, db: &Client) -> Result<()> {
    println!("\nReminders");
    looks(db, system).await?;
    minute(system, db).await
}

/// Lets reminders be due within a minute, by email.
async fn minute(system: &System, db: &Client) -> Result<()> {
    let host = system.host()?.running_pid()?;
    let postgres = system.postgres()?.running_pid()?;
    let before = [cpu::used(host)?, cpu::used(postgres)?];
    db.execute(include_str!("sql/fill_minute.sql"), &[&DUE])
        .await?;
    let mut last = (0, Instant::now());
    loop {
        let row = db.query_one(include_str!("sql/sent.sql"), &[]).await?;
        let sent: i64 = row.get(0);
        if sent == DUE {
            break;
        }
        if sent != last.0 {
            last = (sent, Instant::now());
        } else if last.1.elapsed() > STALLED {
            let row = db.query_one(include_str!("sql/unsent.sql"), &[]).await?;
            let error: Option<String> = row.get(0);
            bail!("{sent} of {DUE} reminders were sent, and no more: {error:?}");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let after = [cpu::used(host)?, cpu::used(postgres)?];
    let row = db
        .query_one(include_str!("sql/sent_latency.sql"), &[])
        .await?;
    println!(
        "  {DUE} are due within one minute, from then until the provider has accepted them: p50 {:.1} s, p99 {:.1} s, worst {:.1} s",
        row.get::<_, f64>(0),
        row.get::<_, f64>(1),
        row.get::<_, f64>(2),
    );
    let again: i64 = row.get(3);
    if again > 0 {
        println!("    {again} of them took more than one attempt");
    }
    let each = |part: usize| {
        let [before, after] =
            [before, after].map(|used| used.get(part).copied().unwrap_or_default());
        after.saturating_sub(before).as_micros() as f64 / DUE as f64
    };
    println!(
        "    CPU of a reminder by email: functions {:.0} µs, Postgres {:.0} µs",
        each(0),
        each(1)
    );
    Ok(())
}

/// Times a look for what is due, which finds nothing.
async fn looks(db: &Client, system: &System) -> Result<()> {
    db.execute(include_str!("sql/fill_reminders.sql"), &[])
        .await?;
    db.batch_execute("vacuum analyze reminders").await?;
    let (agent, _connection) = connect(&system.database_url()).await?;
    agent.batch_execute("set role spindle_agent").await?;
    let mut times = Vec::with_capacity(LOOKS);
    for _ in 0..LOOKS {
        let start = Instant::now();
        // As Spin does it: each statement is parsed and planned anew.
        let statement = include_str!("../../../functions/reminder/src/fire.sql");
        let row = agent.query_one(statement, &[&500_i64]).await?;
        times.push(start.elapsed());
        ensure!(row.get::<_, i64>(0) == 0, "a reminder was due");
    }
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied();
    println!(
        "  a look for what is due among 1,000,000 that are not: p50 {} p99 {}",
        ms(at(50).unwrap_or_default()),
        ms(at(99).unwrap_or_default()),
    );
    Ok(())
}

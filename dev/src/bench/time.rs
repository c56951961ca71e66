//! Recurring tasks: from a completion to the next occurrence, series by schedule, and the cost of series that are not due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use hyper::Method;
use serde_json::json;
use stage::system::System;
use tokio_postgres::Client;
use uuid::Uuid;

use super::load::{self, Pace, RequestSpec};
use super::{Plan, connect, cpu, ms, tokens};

const USERS: i64 = 500;
/// Completions per second.
const RATE: u64 = 100;
/// Series by schedule that are due at once.
const SCHEDULED: u64 = 10_000;
/// Tasks of one batch.
const BATCH: u64 = 100;
/// How often the agent's statement is run.
const CLAIMS: usize = 200;
/// The pause between two looks at what was made. Counting takes time that the agent would have.
const PAUSE: Duration = Duration::from_millis(500);
/// Nothing has been made for so long: the agent is done, or has stopped.
const STALLED: Duration = Duration::from_secs(20);

type Users = Vec<(Uuid, Arc<str>)>;

pub async fn run(plan: &Plan, system: &System, db: &Client) -> Result<()> {
    let users = tokens::users(db, system.token_keys(), USERS).await?;
    println!("\nRecurring tasks of {USERS} users");
    completions(plan, system, db, &users).await?;
    claims(system, db).await?;
    by_schedule(plan, system, db, &users).await
}

/// Completes tasks at a steady rate. The latency is from the commit of the completion to that of the next occurrence, which is readable
/// from then on.
async fn completions(plan: &Plan, system: &System, db: &Client, users: &Users) -> Result<()> {
    let total = RATE * plan.length.as_secs();
    let create = |number| {
        let body = json!({
            "id": id_of(number), "title": "Water the plants", "tags": ["home"], "due": {"date": "2026-03-01"},
            "recurrence": {"rule": "FREQ=WEEKLY;BYDAY=SU"},
        });
        ("/api/tasks".to_owned(), body.to_string())
    };
    // The first tenth fills caches.
    let (warm, all) = (total / 10, total / 10 + total);
    send(plan, system, users, Pace::Burst(all), 0, create).await?;
    let complete = |number| {
        let id = id_of(number);
        (format!("/api/tasks/{id}/complete"), String::new())
    };
    send(plan, system, users, Pace::Burst(warm), 0, complete).await?;
    made(db, warm).await?;

    let before = used(system)?;
    let pace = Pace::Open(RATE as f64);
    let sent = send(plan, system, users, pace, warm, complete).await?;
    made(db, warm + sent).await?;
    let after = used(system)?;
    let first: Vec<Uuid> = (0..sent)
        .map(|number| id_of((warm + number).into()))
        .collect();
    let row = db
        .query_one(include_str!("sql/next_latency.sql"), &[&first])
        .await?;
    ensure!(
        row.get::<_, i64>(3) == i64::try_from(sent)?,
        "not every completion has its next occurrence"
    );
    println!(
        "  {RATE} completions/s, commit to commit of the next occurrence: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms ({sent} tasks)",
        row.get::<_, f64>(0),
        row.get::<_, f64>(1),
        row.get::<_, f64>(2),
    );
    show_cpu("a completion with its next occurrence", before, after, sent);
    Ok(())
}

/// The id of a task. The nil UUID is none.
fn id_of(number: u128) -> Uuid {
    Uuid::from_u128(number + 1)
}

/// Times the agent's look for what is due, which finds nothing.
async fn claims(system: &System, db: &Client) -> Result<()> {
    db.execute(include_str!("sql/fill_series.sql"), &[]).await?;
    let (api, _connection) = connect(&system.api_database_url()?).await?;
    for state in ["as they were inserted", "after vacuum analyze"] {
        let mut times = Vec::with_capacity(CLAIMS);
        for _ in 0..CLAIMS {
            let start = Instant::now();
            // As Spin does it: each statement is parsed and planned anew.
            let row = api
                .query_one(
                    include_str!("../../../functions/api/src/series/claim.sql"),
                    &[&64_i64],
                )
                .await?;
            times.push(start.elapsed());
            let claimed: String = row.get(0);
            ensure!(claimed == "[]", "claimed {claimed}");
        }
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).copied();
        println!(
            "  a look for what is due among 100,000 series that are not, {state}: p50 {} p99 {}",
            ms(at(50).unwrap_or_default()),
            ms(at(99).unwrap_or_default()),
        );
        db.batch_execute("vacuum analyze series").await?;
    }
    Ok(())
}

/// Lets a tick find series by schedule that are due.
async fn by_schedule(plan: &Plan, system: &System, db: &Client, users: &Users) -> Result<()> {
    let bridge = system.bridge(0)?;
    bridge.terminate().await;
    let row = db.query_one(include_str!("sql/yesterday.sql"), &[]).await?;
    let yesterday: String = row.get(0);
    let day = yesterday.clone();
    let create = move |_| {
        let task = json!({
            "title": "Daily figures", "due": {"date": day}, "recurrence": {"rule": "FREQ=DAILY", "create": "on_schedule"},
        });
        let operations = vec![json!({"op": "create", "task": task}); BATCH as usize];
        let body = json!({ "operations": operations });
        ("/api/tasks/batch".to_owned(), body.to_string())
    };
    send(
        plan,
        system,
        users,
        Pace::Burst(SCHEDULED / BATCH),
        0,
        create,
    )
    .await?;
    let before = used(system)?;
    bridge.start().await?;
    stands_still(db).await?;
    let row = db
        .query_one(include_str!("sql/next_rate.sql"), &[&yesterday])
        .await?;
    let (made, seconds): (i64, f64) = (row.get(0), row.get(1));
    ensure!(
        made > 1 && seconds > 0.0,
        "the agent made {made} occurrences"
    );
    println!(
        "  {SCHEDULED} series by schedule are due at once, one agent: {made} occurrences in {seconds:.1} s, {:.0}/s",
        made as f64 / seconds
    );
    let made = u64::try_from(made)?;
    show_cpu("an occurrence by schedule", before, used(system)?, made);
    Ok(())
}

/// Sends requests, of which `make` makes path and body from the number. Returns how many were sent; all of them worked.
async fn send(
    plan: &Plan,
    system: &System,
    users: &Users,
    pace: Pace,
    first: u64,
    make: impl Fn(u128) -> (String, String) + Send + Sync + Clone + 'static,
) -> Result<u64> {
    let url = system.api_url();
    let address = url.trim_start_matches("http://");
    let users = users.clone();
    let request = move |number: u64| {
        let number = first + number;
        let (path, body) = make(number.into());
        let user = users.get(number as usize % users.len().max(1));
        RequestSpec {
            method: Method::POST,
            path,
            token: user.map(|(_, token)| token.clone()).unwrap_or_default(),
            body: Bytes::from(body),
        }
    };
    // A burst ends when all of it was sent.
    let length = match pace {
        Pace::Burst(_) => STALLED * 10,
        _ => plan.length,
    };
    let outcome = load::run(address, plan.connections, pace, length, request).await?;
    ensure!(
        outcome.failures == 0,
        "{} requests failed",
        outcome.failures
    );
    Ok(outcome.answered())
}

/// Waits until so many occurrences were made after others.
async fn made(db: &Client, count: u64) -> Result<()> {
    let count = i64::try_from(count)?;
    let mut last = (0, Instant::now());
    loop {
        let made = occurrences(db).await?;
        if made >= count {
            return Ok(());
        }
        if made != last.0 {
            last = (made, Instant::now());
        } else if last.1.elapsed() > STALLED {
            bail!("{made} of {count} occurrences were made, and no more");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until the agent has made something and then nothing for a while.
async fn stands_still(db: &Client) -> Result<()> {
    const QUIET: Duration = Duration::from_secs(2);
    let before = occurrences(db).await?;
    made(db, u64::try_from(before + 1)?).await?;
    let mut last = (before, Instant::now());
    while last.1.elapsed() < QUIET {
        let made = occurrences(db).await?;
        if made != last.0 {
            last = (made, Instant::now());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn occurrences(db: &Client) -> Result<i64> {
    let row = db.query_one(include_str!("sql/next_made.sql"), &[]).await?;
    Ok(row.get(0))
}

/// The CPU time of each part so far.
#[derive(Clone, Copy)]
struct Used {
    bridge: Duration,
    functions: Duration,
    postgres: Duration,
}

fn used(system: &System) -> Result<Used> {
    let bridge = system.bridge(0)?;
    Ok(Used {
        // A bridge that is stopped begins again with nothing.
        bridge: match bridge.is_running() {
            true => cpu::used(bridge.running_pid()?)?,
            false => Duration::ZERO,
        },
        functions: cpu::used(system.host()?.running_pid()?)?,
        postgres: cpu::used(system.postgres()?.running_pid()?)?,
    })
}

fn show_cpu(what: &str, before: Used, after: Used, count: u64) {
    let each = |before: Duration, after: Duration| {
        after.saturating_sub(before).as_micros() as f64 / count as f64
    };
    println!(
        "    CPU of {what}: bridge {:.0} µs, functions {:.0} µs, Postgres {:.0} µs",
        each(before.bridge, after.bridge),
        each(before.functions, after.functions),
        each(before.postgres, after.postgres),
    );
}

//! Create a task, side by side in one run on one Postgres: pgbench, the native axum server, the API on the embedded host.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use hyper::Method;
use tokio_postgres::Client;
use uuid::Uuid;

use super::load::{self, Outcome, Pace, Shot};
use super::{Plan, cpu, pgbench, tokens};
use crate::child::Process;
use crate::ports;
use crate::system::{System, program};

/// Rounds are interleaved, because these machines are noisy and a later minute may be slower than an earlier one.
const ROUNDS: usize = 3;

pub async fn run(plan: &Plan, system: &System, db: &Client) -> Result<()> {
    let users: Arc<[(Uuid, Arc<str>)]> = tokens::users(db, system.token_keys(), 1000).await?.into();
    let script = plan.dir.join("create.sql");
    std::fs::write(&script, include_str!("sql/pgbench_create.sql"))?;
    let baseline = Baseline::start(plan, system).await?;
    let api = system.api_url().trim_start_matches("http://").to_owned();
    let postgres = system.postgres()?.running_pid()?;
    let host = system.host().running_pid()?;

    println!(
        "\nCreate a task, closed loop, {} connections",
        plan.connections
    );
    let mut table: [Vec<f64>; 4] = Default::default();
    for round in 1..=ROUNDS {
        println!("  round {round} of {ROUNDS}");
        for (mode, rates) in ["prepared", "extended"].into_iter().zip(&mut table) {
            let rate = pgbench::rate(
                &system.database_url(),
                &script,
                mode,
                plan.connections,
                plan.length,
            )
            .await?;
            println!("    pgbench, {mode:9} {rate:8.0}/s");
            rates.push(rate);
        }
        for ((name, address, pid), rates) in [
            ("axum", &baseline.address, baseline.pid),
            ("API", &api, host),
        ]
        .into_iter()
        .zip(table.iter_mut().skip(2))
        {
            let before = (cpu::used(pid)?, cpu::used(postgres)?);
            let outcome = load(plan, address, Pace::Closed, &users).await?;
            let requests = outcome.rate() * outcome.elapsed.as_secs_f64();
            let per_request = |used: Duration| used.as_micros() as f64 / requests;
            println!(
                "    {name:17} {:8.0}/s   CPU per request: server {:4.0} µs, Postgres {:4.0} µs   p50 {} p99 {}{}",
                outcome.rate(),
                per_request(cpu::used(pid)?.saturating_sub(before.0)),
                per_request(cpu::used(postgres)?.saturating_sub(before.1)),
                ms(outcome.percentile(0.5)),
                ms(outcome.percentile(0.99)),
                failed(&outcome),
            );
            rates.push(outcome.rate());
        }
    }
    let [prepared, extended, axum, spin] = table.map(|mut rates| median(&mut rates));
    println!(
        "  median: pgbench {prepared:.0}/s prepared, {extended:.0}/s extended; axum {axum:.0}/s; API {spin:.0}/s"
    );
    println!("  API / axum = {:.0} %", 100.0 * spin / axum);

    println!("\nCreate a task, open loop: latency from when a request fell due");
    for share in [0.3, 0.6, 0.8] {
        let rate = spin * share;
        for (name, address) in [("axum", &baseline.address), ("API", &api)] {
            let outcome = load(plan, address, Pace::Open(rate), &users).await?;
            println!(
                "  {rate:6.0}/s  {name:5} p50 {} p99 {} p99.9 {}{}",
                ms(outcome.percentile(0.5)),
                ms(outcome.percentile(0.99)),
                ms(outcome.percentile(0.999)),
                failed(&outcome),
            );
        }
    }
    Ok(())
}

async fn load(
    plan: &Plan,
    address: &str,
    pace: Pace,
    users: &Arc<[(Uuid, Arc<str>)]>,
) -> Result<Outcome> {
    let users = users.clone();
    let body = Bytes::from_static(
        br#"{"title":"Water the plants","description":"All of them, the small ones twice.","tags":["home","plants"]}"#,
    );
    load::run(
        address,
        plan.connections,
        pace,
        plan.length,
        move |number| {
            let token = users
                .get(number as usize % users.len().max(1))
                .map(|(_, token)| token.clone());
            Shot {
                method: Method::POST,
                path: "/api/tasks".to_owned(),
                token: token.unwrap_or_default(),
                body: body.clone(),
            }
        },
    )
    .await
}

/// The axum server as a process of its own, so that its CPU time can be told from ours.
struct Baseline {
    address: String,
    pid: i32,
    _process: Process,
}

impl Baseline {
    async fn start(plan: &Plan, system: &System) -> Result<Self> {
        let address = format!("127.0.0.1:{}", ports::free()?);
        let (listen, database, keys) = (
            address.clone(),
            system.database_url(),
            system.token_keys().to_owned(),
        );
        let dev = program(&plan.root, "dev");
        let process = Process::new(
            "axum".to_owned(),
            plan.dir.join("logs/axum.log"),
            move || {
                let mut command = std::process::Command::new(&dev);
                command
                    .args(["baseline", "--listen", &listen])
                    .env("DATABASE_URL", &database)
                    .env("TOKEN_KEYS", &keys);
                command
            },
        );
        let child = process.launch()?;
        child
            .ready(Duration::from_secs(10), || async {
                tokio::net::TcpStream::connect(&address).await.is_ok()
            })
            .await?;
        Ok(Self {
            pid: child.pid(),
            address,
            _process: process,
        })
    }
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

fn ms(latency: Duration) -> String {
    format!("{:.1} ms", latency.as_secs_f64() * 1000.0)
}

fn failed(outcome: &Outcome) -> String {
    match outcome.failures {
        0 => String::new(),
        failures => format!("   {failures} FAILED"),
    }
}

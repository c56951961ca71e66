//! Compares pgbench, the native axum server and the API on the embedded host: the same requests, in one run, on one Postgres.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use stage::child::Process;
use stage::ports;
use stage::system::System;

use super::load::{self, Outcome, Pace, RequestSpec};
use super::{Plan, cpu, ms, pgbench};

/// The servers take turns in rounds, because on a shared machine one minute may be slower than another.
const ROUNDS: usize = 3;

/// The work to measure: a pgbench script with its weight for each kind of request, and the same requests over HTTP.
pub struct Work {
    pub scripts: Vec<(String, u32)>,
    pub requests: Arc<dyn Fn(u64) -> RequestSpec + Send + Sync>,
}

/// The HTTP servers to compare.
pub struct Servers {
    baseline: Baseline,
    api: String,
}

impl Servers {
    pub async fn start(plan: &Plan, system: &System) -> Result<Self> {
        Ok(Self {
            baseline: Baseline::start(plan, system).await?,
            api: system.api_url().trim_start_matches("http://").to_owned(),
        })
    }

    pub fn addresses(&self) -> [(&'static str, &str); 2] {
        [("axum", &self.baseline.address), ("API", &self.api)]
    }
}

/// Measures throughput in rounds with a closed loop. Returns the API's median, in requests per second.
pub async fn run(plan: &Plan, system: &System, servers: &Servers, work: &Work) -> Result<f64> {
    let mut scripts = Vec::new();
    for (number, (script, weight)) in work.scripts.iter().enumerate() {
        let path = plan.dir.join(format!("{number}.sql"));
        std::fs::write(&path, script)?;
        scripts.push(format!("{}@{weight}", path.display()));
    }
    let postgres = system.postgres()?.running_pid()?;
    let pids = [servers.baseline.pid, system.host()?.running_pid()?];
    let mut table: [Vec<f64>; 4] = Default::default();
    for round in 1..=ROUNDS {
        println!("  round {round} of {ROUNDS}");
        for (mode, rates) in ["prepared", "extended"].into_iter().zip(&mut table) {
            let url = system.api_database_url()?;
            let rate = pgbench::rate(&url, &scripts, mode, plan.connections, plan.length).await?;
            println!("    pgbench, {mode:9} {rate:8.0}/s");
            rates.push(rate);
        }
        let columns = servers.addresses().into_iter().zip(pids);
        for (((name, address), pid), rates) in columns.zip(table.iter_mut().skip(2)) {
            let before = (cpu::used(pid)?, cpu::used(postgres)?);
            let outcome = send_requests(plan, address, Pace::Closed, work).await?;
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
    Ok(spin)
}

/// Sends the HTTP requests to one server.
pub async fn send_requests(plan: &Plan, address: &str, pace: Pace, work: &Work) -> Result<Outcome> {
    let requests = work.requests.clone();
    load::run(
        address,
        plan.connections,
        pace,
        plan.length,
        move |number| requests(number),
    )
    .await
}

/// The axum server. It is a process of its own, so its CPU time can be measured separately from the load generator's.
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
            system.api_database_url()?,
            system.token_keys().to_owned(),
        );
        let dev = std::env::current_exe()?;
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

pub fn failed(outcome: &Outcome) -> String {
    match outcome.failures {
        0 => String::new(),
        failures => format!("   {failures} FAILED"),
    }
}

//! `cargo dev bench`: measures the figures of docs/figures.md, each beside its baseline in the same run.

pub mod baseline;
mod cpu;
mod create;
mod fairness;
mod live;
mod load;
mod mix;
mod pgbench;
mod delivery;
mod search;
mod side_by_side;
mod sync;
mod time;
mod reminders;
pub mod tokens;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use stage::components::Profile;
use stage::scratch::Scratch;
use stage::system::{LogKind, System, SystemOptions};
use tokio_postgres::{Client, NoTls};

/// The measurements to make, and their size.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Only these: create, mix (four reads for each write), fairness (others beside a hostile user), search, sync (clients that
    /// synchronise), live (live connections), postgres (event delivery on the Postgres log), kafka (event delivery on Kafka), time
    /// (recurring tasks and reminders)
    #[arg(value_parser = ["create", "mix", "fairness", "search", "sync", "live", "postgres", "kafka", "time"])]
    only: Vec<String>,
    /// The length of each measurement, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The number of connections to each server
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The number of events to deliver
    #[arg(long, default_value_t = 100_000)]
    events: i64,
    /// The number of tasks to search
    #[arg(long, default_value_t = 1_000_000)]
    tasks: u32,
}

struct Plan {
    dir: PathBuf,
    length: Duration,
    connections: usize,
    events: i64,
    tasks: u32,
}

/// Runs the selected measurements, each on a system of its own with fsync on. Removes all data afterwards.
pub async fn run(options: Options) -> Result<()> {
    let selected =
        |part: &str| options.only.is_empty() || options.only.iter().any(|only| only == part);
    for (part, log, bridges) in [
        ("create", LogKind::Postgres, 0),
        ("mix", LogKind::Postgres, 0),
        ("fairness", LogKind::Postgres, 1),
        ("search", LogKind::Postgres, 0),
        ("sync", LogKind::Postgres, 0),
        ("live", LogKind::Postgres, 1),
        ("postgres", LogKind::Postgres, 1),
        ("kafka", LogKind::Kafka, 1),
        ("time", LogKind::Postgres, 1),
    ] {
        if !selected(part) {
            continue;
        }
        let scratch = Scratch::new("bench")?;
        let mut system_options = SystemOptions {
            bridges,
            built: true,
            profile: Profile::Release,
            ..SystemOptions::new(scratch.path(), log)
        };
        if part == "fairness" {
            system_options.host_env.extend(fairness::limits());
        }
        if part == "time" {
            system_options.host_env.extend(reminders::settings().await?);
        }
        let plan = Plan {
            dir: scratch.path().to_owned(),
            length: Duration::from_secs(options.seconds),
            connections: options.connections,
            events: options.events,
            tasks: options.tasks,
        };
        let system = System::start(system_options).await?;
        let db = prepare(&system).await?;
        match part {
            "create" => create::run(&plan, &system, &db).await?,
            "mix" => mix::run(&plan, &system, &db).await?,
            "fairness" => fairness::run(&plan, &system, &db).await?,
            "search" => search::run(&plan, &system, &db).await?,
            "sync" => sync::run(&plan, &system, &db).await?,
            "live" => live::run(&plan, &system, &db).await?,
            "time" => {
                time::run(&plan, &system, &db).await?;
                reminders::run(&system, &db).await?;
            }
            _ => delivery::run(&plan, log, &system, &db).await?,
        }
        system.stop().await;
    }
    Ok(())
}

/// Changes two settings of Postgres. `track_commit_timestamp` is needed to measure latency, and all measurements run with it so
/// that they are comparable. `wal_init_zero` is off because a new server has no old WAL files to reuse, and zeroing a new file
/// would block every writer for 60 ms every few seconds.
async fn prepare(system: &System) -> Result<Client> {
    let (db, _connection) = connect(&system.database_url()).await?;
    for setting in ["track_commit_timestamp = on", "wal_init_zero = off"] {
        db.batch_execute(&format!("alter system set {setting}"))
            .await?;
    }
    system.postgres()?.restart().await?;
    system.host()?.ready().await?;
    let (db, _connection) = connect(&system.database_url()).await?;
    db.batch_execute("create table bench_queued (event_id uuid primary key)")
        .await?;
    Ok(db)
}

async fn connect(url: &str) -> Result<(Client, tokio::task::JoinHandle<()>)> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(async move {
        // The connection ends when the server restarts. Calls on the client then return the error.
        connection.await.ok();
    });
    Ok((client, connection))
}

fn ms(latency: Duration) -> String {
    format!("{:.1} ms", latency.as_secs_f64() * 1000.0)
}

//! Disks that run full under a server, and have space again later. Each test has a system whose server lies on a small disk.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use stage::disk::SmallDisk;
use stage::scratch::Scratch;
use stage::supervise::Supervised;
use stage::system::System;
use tests::checker::Checker;
use tests::client::Api;
use tests::fixture::{Fixture, LogKind};
use tests::load::{Load, Pace};
use tests::{settings, wait};
use tokio_postgres::NoTls;

const USERS: usize = 4;
/// Writes before, and again after, the disk is full.
const WRITES: u64 = 300;
/// How long a server may work on a full disk.
const LIMIT: Duration = Duration::from_secs(60);

/// Postgres stops when it cannot write its write-ahead log, and cannot start until there is space.
pub async fn postgres_full(_: &mut Fixture) -> Result<()> {
    full(LogKind::Postgres, "postgres", async |system| {
        // An error is that of a server that has stopped.
        if let Ok((client, connection)) =
            tokio_postgres::connect(&system.database_url(), NoTls).await
        {
            tokio::spawn(connection);
            let _ = client
                .batch_execute(include_str!("../../sql/write_wal.sql"))
                .await;
        }
    })
    .await
}

/// Kafka stops when it cannot write its log, and cannot start until there is space.
pub async fn kafka_full(_: &mut Fixture) -> Result<()> {
    full(LogKind::Kafka, "kafka", async |_| {}).await
}

/// Fills the disk of a server until it stops, which `write` may hasten, and then gives it space again.
async fn full(log: LogKind, server: &str, write: impl AsyncFn(&System)) -> Result<()> {
    let folder = Scratch::new("full")?;
    let Some(disk) = small_disk(&folder.path().join(server)) else {
        return Ok(());
    };
    let system = System::start(settings::options(&folder, log)?).await?;
    let pace = Pace {
        pause: Duration::from_millis(20),
        ..Pace::default()
    };
    let mut load = Load::with_pace(&Api::new(&system.api_url())?, USERS, pace).await?;
    load.reach(WRITES).await?;
    disk.fill()?;
    let server = system.part(server)?;
    let before = server.pid();
    wait::until("the server stops", LIMIT, async || {
        write(&system).await;
        Ok(has_stopped(server, before).then_some(()))
    })
    .await?;
    disk.free()?;
    load.more(WRITES).await?;
    let (users, acknowledged) = load.finish(2 * WRITES).await?;
    let (database, connection) = tokio_postgres::connect(&system.database_url(), NoTls).await?;
    tokio::spawn(connection);
    let checker = Checker::new(&database, &users);
    let verdict = checker.check_delivery(&acknowledged).await;
    system.stop().await;
    verdict.context("after the disk was full")
}

fn has_stopped(server: &Supervised, before: Option<i32>) -> bool {
    !server.is_running() || server.pid() != before
}

/// A small disk, where this process may mount one.
fn small_disk(path: &Path) -> Option<SmallDisk> {
    SmallDisk::mount(path, 400)
        .inspect_err(|error| eprintln!("skipped, because mounting is not possible here: {error:#}"))
        .ok()
}

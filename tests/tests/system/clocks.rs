//! The database's clock is stepped, as by an operator or after a failover to a machine with another time.

use std::time::Duration;

use anyhow::Result;
use stage::clock::Clock;
use stage::scratch::Scratch;
use stage::system::System;
use tests::checker::Checker;
use tests::client::Api;
use tests::fixture::{Fixture, LogKind};
use tests::load::{Load, Pace};
use tests::{settings, wait};
use tokio_postgres::NoTls;

const HOUR: i64 = 3600;

/// Forward by more than the retention of the topics, and back by an hour. Writing and delivery go on.
pub async fn database_clock_steps(_: &mut Fixture) -> Result<()> {
    let folder = Scratch::new("clock")?;
    let clock = match Clock::new(folder.path()) {
        Ok(clock) => clock,
        Err(error) => {
            eprintln!("skipped: {error:#}");
            return Ok(());
        }
    };
    let mut options = settings::options(&folder, LogKind::Postgres)?;
    options.postgres_env = clock.environment();
    let system = System::start(options).await?;
    let (database, connection) = tokio_postgres::connect(&system.database_url(), NoTls).await?;
    tokio::spawn(connection);
    let pace = Pace {
        pause: Duration::from_millis(20),
        ..Pace::default()
    };
    let mut load = Load::with_pace(&Api::new(&system.api_url())?, 4, pace).await?;
    load.more(200).await?;
    for hours in [8 * 24, -1, 0] {
        let before = now(&database).await?;
        clock.step(hours * HOUR)?;
        wait::until(
            "the database has the other time",
            Duration::from_secs(60),
            async || {
                let moved = now(&database).await? - before;
                Ok((moved.abs() > 1800.0).then_some(()))
            },
        )
        .await?;
        load.more(300).await?;
    }
    let (users, acknowledged) = load.finish(1_000).await?;
    let verdict = Checker::new(&database, &users)
        .check_delivery(&acknowledged)
        .await;
    system.stop().await;
    verdict
}

/// The database's time in seconds.
async fn now(database: &tokio_postgres::Client) -> Result<f64> {
    let statement = "select extract(epoch from clock_timestamp())::float8";
    Ok(database.query_one(statement, &[]).await?.get(0))
}

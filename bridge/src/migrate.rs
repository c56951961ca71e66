//! `bridge migrate`: the tables, then the functions that hot statements call, then the passwords of the roles.

use std::time::Duration;

use anyhow::{Context, bail};
use postgres_protocol::password::scram_sha_256;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tracing::info;

use self::functions::FUNCTIONS;
use crate::config::Migrate;
use crate::postgres;

mod functions;

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// Any number, as long as every migrating process names the same one.
const LOCK: i64 = 0x5350_494e_444c_4501;

/// What a run changed, for people and for tests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub applied: Vec<String>,
    pub functions: usize,
    pub passwords: Vec<&'static str>,
    pub version: i64,
}

/// The newest migration this program knows.
pub fn newest_known() -> i64 {
    let runner = embedded::migrations::runner();
    let versions = runner
        .get_migrations()
        .iter()
        .map(|migration| i64::from(migration.version()));
    versions.max().unwrap_or(0)
}

/// Brings a database to the newest schema; safe to run from several processes at once.
pub async fn run(settings: &Migrate) -> anyhow::Result<Report> {
    let mut client = postgres::connect(&settings.database_url, "bridge-migrate").await?;
    // The lock belongs to the session and ends with it, however this function ends.
    client
        .execute("select pg_advisory_lock($1)", &[&LOCK])
        .await
        .context("waiting for another migration")?;
    refuse_newer(&client).await?;

    let applied = embedded::migrations::runner()
        .run_async(&mut client)
        .await
        .context("a migration failed")?;
    let applied: Vec<String> = applied
        .applied_migrations()
        .iter()
        .map(ToString::to_string)
        .collect();
    load_functions(&mut client).await?;

    let mut report = Report {
        applied,
        functions: FUNCTIONS.len(),
        passwords: Vec::new(),
        version: newest_known(),
    };
    for (role, password) in [
        ("spindle_api", &settings.api_database_password),
        ("spindle_agent", &settings.agent_database_password),
        ("spindle_bridge", &settings.bridge_database_password),
    ] {
        if let Some(password) = password {
            set_password(&client, role, password.expose()).await?;
            report.passwords.push(role);
        }
    }
    info!(applied = ?report.applied, functions = report.functions, passwords = ?report.passwords, "migrated");
    Ok(report)
}

async fn refuse_newer(client: &Client) -> anyhow::Result<()> {
    let found = match client
        .query_one(include_str!("migrate/newest.sql"), &[])
        .await
    {
        Ok(row) => row.get::<_, Option<i64>>(0).unwrap_or(0),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => 0,
        Err(error) => return Err(error).context("reading the schema's history"),
    };
    let known = newest_known();
    if found > known {
        bail!(
            "the database is at version {found}, this bridge knows no newer than {known}: run a newer bridge"
        );
    }
    Ok(())
}

/// All or none, so that no release ever sees half of another's functions.
async fn load_functions(client: &mut Client) -> anyhow::Result<()> {
    let transaction = client.transaction().await?;
    // A body may name a function that is loaded after it; that all of them exist is seen when they run.
    transaction
        .batch_execute("set local check_function_bodies = off")
        .await?;
    for (path, definition) in FUNCTIONS {
        transaction
            .batch_execute(definition)
            .await
            .with_context(|| format!("loading {path}"))?;
    }
    transaction.commit().await.context("loading the functions")
}

/// Sends the SCRAM verifier, so that the password itself reaches no statement and no server log.
async fn set_password(client: &Client, role: &'static str, password: &str) -> anyhow::Result<()> {
    let verifier = scram_sha_256(password.as_bytes());
    let statement: String = client
        .query_one(include_str!("migrate/password.sql"), &[&role, &verifier])
        .await?
        .get(0);
    // Roles belong to the whole server: another database's migration may be changing the same row right now.
    let mut tries = 0;
    while let Err(error) = client.batch_execute(&statement).await {
        tries += 1;
        let busy = error
            .as_db_error()
            .is_some_and(|error| error.message().contains("concurrently updated"));
        if !busy || tries == 50 {
            return Err(error).with_context(|| format!("setting the password of {role}"));
        }
        tokio::time::sleep(Duration::from_millis(20 * tries)).await;
    }
    Ok(())
}

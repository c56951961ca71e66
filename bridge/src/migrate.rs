//! `bridge migrate`: applies the migrations, then loads the SQL functions, sets search data of old tasks,
//! and sets the passwords of the roles.

use std::error::Error;
use std::time::Duration;

use anyhow::{Context, bail};
use postgres_protocol::password::scram_sha_256;
use refinery::Report as Applied;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tracing::{info, warn};

use self::functions::FUNCTIONS;
use crate::config::Migrate;
use crate::postgres;

mod functions;
mod indexes;
mod rebuild;

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// Key of the advisory lock that lets one process migrate at a time. The value is arbitrary.
const LOCK: i64 = 0x5350_494e_444c_4501;

/// How long a migration waits for a lock, and how often and after which pause it is tried again.
const LOCK_TIMEOUT: &str = "set lock_timeout = '1s'";
const LOCK_ATTEMPTS: u32 = 60;
const LOCK_PAUSE: Duration = Duration::from_secs(1);

/// How often a process asks whether another one has finished migrating.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// What a run changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Migrations applied, in order.
    pub applied: Vec<String>,
    /// Number of `.fn.sql` files loaded.
    pub functions: usize,
    /// Roles whose password was set.
    pub passwords: Vec<&'static str>,
    /// Version of the schema after the run.
    pub version: i64,
}

/// Version of the newest migration that this program contains.
pub fn newest_known() -> i64 {
    let runner = embedded::migrations::runner();
    let versions = runner
        .get_migrations()
        .iter()
        .map(|migration| i64::from(migration.version()));
    versions.max().unwrap_or(0)
}

/// Migrates a database to the newest schema. Several processes may do so at once: they wait for each other.
///
/// # Errors
/// When Postgres fails, when a migration or a function is refused, or when the database is newer than this program.
pub async fn run(settings: &Migrate) -> anyhow::Result<Report> {
    let mut client = postgres::connect(&settings.database_url, "bridge-migrate").await?;
    // The session holds the lock, so it is released however this function returns.
    wait_for_lock(&client).await?;
    refuse_newer(&client).await?;

    let applied = apply(&mut client).await?;
    load_functions(&mut client).await?;
    indexes::create(&client).await?;
    rebuild::rebuild_tasks(&client).await?;

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
    info!(applied = ?report.applied, functions = report.functions, passwords = ?report.passwords, "migrated the database");
    Ok(report)
}

/// Takes the lock. It asks again and again: a statement that waits in Postgres would keep another process from finishing its
/// CREATE INDEX CONCURRENTLY, which waits for all statements that are running.
async fn wait_for_lock(client: &Client) -> anyhow::Result<()> {
    loop {
        let row = client
            .query_one("select pg_try_advisory_lock($1)", &[&LOCK])
            .await?;
        if row.get(0) {
            return Ok(());
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

/// Applies the migrations that are missing, each in a transaction of its own.
///
/// While a migration waits for a lock on a table, later statements on that table wait behind it. So it gives up after
/// [`LOCK_TIMEOUT`], lets them run, and tries again.
async fn apply(client: &mut Client) -> anyhow::Result<Vec<String>> {
    client.batch_execute(LOCK_TIMEOUT).await?;
    let mut applied = Vec::new();
    for attempt in 1.. {
        let result = embedded::migrations::runner().run_async(client).await;
        let report = match &result {
            Ok(report) => Some(report),
            Err(error) => error.report(),
        };
        let migrations = report.map(Applied::applied_migrations);
        applied.extend(migrations.into_iter().flatten().map(ToString::to_string));
        match result {
            Ok(_) => break,
            Err(error) if attempt < LOCK_ATTEMPTS && is_lock_timeout(&error) => {
                warn!(
                    attempt,
                    "a migration waits for a lock that others hold; trying again"
                );
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(error) => return Err(error).context("applying the migrations"),
        }
    }
    client.batch_execute("reset lock_timeout").await?;
    Ok(applied)
}

fn is_lock_timeout(error: &refinery::Error) -> bool {
    error
        .source()
        .and_then(|source| source.downcast_ref::<tokio_postgres::Error>())
        .is_some_and(|error| error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
}

/// Fails if a newer bridge has migrated the database.
async fn refuse_newer(client: &Client) -> anyhow::Result<()> {
    let found = match client
        .query_one(include_str!("migrate/newest.sql"), &[])
        .await
    {
        Ok(row) => row.get::<_, Option<i64>>(0).unwrap_or(0),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => 0,
        Err(error) => return Err(error).context("reading the version of the schema"),
    };
    let known = newest_known();
    if found > known {
        bail!(
            "the database is at version {found}, but this bridge knows versions up to {known} only: use a newer bridge"
        );
    }
    Ok(())
}

/// Loads every SQL function in one transaction, so that a running system never sees functions of two releases mixed.
async fn load_functions(client: &mut Client) -> anyhow::Result<()> {
    let transaction = client.transaction().await?;
    // A body may call a function that is loaded after it, so bodies are not checked here. A missing function shows in
    // tests.
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

/// Sends the SCRAM verifier instead of the password, so that the password appears in no statement and no server log.
async fn set_password(client: &Client, role: &'static str, password: &str) -> anyhow::Result<()> {
    let verifier = scram_sha_256(password.as_bytes());
    let statement: String = client
        .query_one(include_str!("migrate/password.sql"), &[&role, &verifier])
        .await?
        .get(0);
    // Roles belong to the whole server, so a migration of another database may be changing the same row at this moment.
    let mut attempts = 0;
    while let Err(error) = client.batch_execute(&statement).await {
        attempts += 1;
        let concurrent = error
            .as_db_error()
            .is_some_and(|error| error.message().contains("concurrently updated"));
        if !concurrent || attempts == 50 {
            return Err(error).with_context(|| format!("setting the password of {role}"));
        }
        tokio::time::sleep(Duration::from_millis(20 * attempts)).await;
    }
    Ok(())
}

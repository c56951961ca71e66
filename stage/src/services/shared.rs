//! Servers that the tests of a crate share: those that `cargo dev test` started, or else servers of the test program's own.

use anyhow::{Context, Result, ensure};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{Kafka, Postgres, postgres};
use crate::components::{self, Profile};
use crate::scratch::Scratch;
use crate::system::workspace;

/// The migrated database that others are copied from.
const TEMPLATE: &str = "spindle_template";

/// Environment variables in which `cargo dev test` passes the addresses of its servers.
pub const POSTGRES: &str = "SPINDLE_TEST_POSTGRES";
pub const KAFKA: &str = "SPINDLE_TEST_KAFKA";

/// `host:port` of a Postgres whose superuser is `postgres`.
async fn postgres_address() -> Result<String> {
    static OWN: OnceCell<(Postgres, Scratch)> = OnceCell::const_new();
    if let Ok(address) = std::env::var(POSTGRES) {
        return Ok(address);
    }
    let start = || async {
        let dir = Scratch::new("postgres")?;
        Ok::<_, anyhow::Error>((Postgres::start(dir.path(), false).await?, dir))
    };
    Ok(OWN.get_or_try_init(start).await?.0.address())
}

/// Creates an empty database on the shared Postgres and returns its URL for the superuser.
pub async fn database(name: &str) -> Result<String> {
    let address = postgres_address().await?;
    let name = format!("{name}_{}", Uuid::new_v4().simple());
    postgres::create_database(&superuser_url(&address, "postgres"), &name)
        .await
        .context("creating a database on the shared Postgres")?;
    Ok(superuser_url(&address, &name))
}

/// Creates a database with the newest schema and returns its URL for the superuser. Migrating takes a second, so it is done once
/// for each server, and each database is a copy of the result. Each role's password is its own name.
pub async fn migrated(name: &str) -> Result<String> {
    let address = postgres_address().await?;
    let name = format!("{name}_{}", Uuid::new_v4().simple());
    let (client, connection) =
        tokio_postgres::connect(&superuser_url(&address, "postgres"), NoTls).await?;
    let connection = tokio::spawn(connection);
    ensure_template(&client, &address)
        .await
        .context("migrating the template database")?;
    client
        .batch_execute(&format!("create database \"{name}\" template {TEMPLATE}"))
        .await
        .context("copying the template database")?;
    client
        .execute(include_str!("copy_role_settings.sql"), &[&TEMPLATE, &name])
        .await?;
    drop(client);
    connection.await??;
    Ok(superuser_url(&address, &name))
}

fn superuser_url(address: &str, database: &str) -> String {
    format!("postgres://postgres@{address}/{database}")
}

/// Creates the template if it does not exist. Concurrent test programs share a server, so a lock lets one of them migrate. The
/// database gets the template's name only when it is complete, so an interrupted migration leaves no template.
async fn ensure_template(client: &Client, address: &str) -> Result<()> {
    let lock = "select pg_advisory_lock(hashtext('spindle template'))";
    client.batch_execute(lock).await?;
    let exists = client
        .query_opt("select from pg_database where datname = $1", &[&TEMPLATE])
        .await?;
    if exists.is_none() {
        let building = format!("{TEMPLATE}_building");
        client
            .batch_execute(&format!("drop database if exists {building}"))
            .await?;
        client
            .batch_execute(&format!("create database {building}"))
            .await?;
        migrate(&superuser_url(address, &building)).await?;
        client
            .batch_execute(&format!("alter database {building} rename to {TEMPLATE}"))
            .await?;
    }
    let unlock = "select pg_advisory_unlock(hashtext('spindle template'))";
    client.batch_execute(unlock).await?;
    Ok(())
}

async fn migrate(url: &str) -> Result<()> {
    let root = workspace();
    let bridge = components::program(&root, Profile::Gate, "bridge");
    let output = tokio::process::Command::new(&bridge)
        .arg("migrate")
        .env("DATABASE_URL", url)
        .env("API_DATABASE_PASSWORD", "spindle_api")
        .env("AGENT_DATABASE_PASSWORD", "spindle_agent")
        .env("BRIDGE_DATABASE_PASSWORD", "spindle_bridge")
        .output()
        .await
        .with_context(|| format!("running {}", bridge.display()))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "bridge migrate failed: {stderr}");
    Ok(())
}

/// The brokers of a Kafka that other tests use at the same time, so each test needs topic names of its own.
pub async fn kafka() -> Result<String> {
    static OWN: OnceCell<(Kafka, Scratch)> = OnceCell::const_new();
    if let Ok(brokers) = std::env::var(KAFKA) {
        return Ok(brokers);
    }
    let start = || async {
        let dir = Scratch::new("kafka")?;
        Ok::<_, anyhow::Error>((Kafka::start(dir.path()).await?, dir))
    };
    Ok(OWN.get_or_try_init(start).await?.0.brokers())
}

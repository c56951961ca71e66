//! The servers that a crate's own tests use: those `cargo dev test` started, else one of each for this process.

use anyhow::{Context, Result};
use tokio::sync::OnceCell;

use super::{Kafka, Postgres, Redis, postgres};
use crate::scratch::Scratch;

/// The variables by which `cargo dev test` says where its servers are.
pub const POSTGRES: &str = "SPINDLE_TEST_POSTGRES";
pub const REDIS: &str = "SPINDLE_TEST_REDIS";
pub const KAFKA: &str = "SPINDLE_TEST_KAFKA";

/// `host:port` of a Postgres whose superuser is `postgres`.
async fn postgres_address() -> Result<String> {
    static OWN: OnceCell<(Postgres, Scratch)> = OnceCell::const_new();
    if let Ok(address) = std::env::var(POSTGRES) {
        return Ok(address);
    }
    let start = || async {
        let dir = Scratch::new("postgres")?;
        Ok::<_, anyhow::Error>((Postgres::start(dir.path()).await?, dir))
    };
    Ok(OWN.get_or_try_init(start).await?.0.address())
}

/// A new empty database on the shared Postgres; the superuser's URL of it.
pub async fn database(name: &str) -> Result<String> {
    let address = postgres_address().await?;
    let name = format!("{name}_{}", uuid::Uuid::new_v4().simple());
    postgres::create_database(&format!("postgres://postgres@{address}/postgres"), &name)
        .await
        .context("making a database on the shared Postgres")?;
    Ok(format!("postgres://postgres@{address}/{name}"))
}

/// The URL of a Redis that other tests use too: choose channel names of your own.
pub async fn redis() -> Result<String> {
    static OWN: OnceCell<(Redis, Scratch)> = OnceCell::const_new();
    if let Ok(url) = std::env::var(REDIS) {
        return Ok(url);
    }
    let start = || async {
        let dir = Scratch::new("redis")?;
        Ok::<_, anyhow::Error>((Redis::start(dir.path()).await?, dir))
    };
    Ok(OWN.get_or_try_init(start).await?.0.url())
}

/// The brokers of a Kafka that other tests use too: choose topic names of your own.
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

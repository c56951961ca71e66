//! Connections to Postgres: named, and gone when their client is dropped.

use std::time::Duration;

use anyhow::Context;
use tokio_postgres::{Client, Config, NoTls};
use tracing::debug;

use crate::config::Secret;

/// Opens a connection of its own; a lost one shows as an error of the next statement.
pub async fn connect(url: &Secret, name: &str) -> anyhow::Result<Client> {
    let mut config: Config = url
        .expose()
        .parse()
        .map_err(|_| anyhow::anyhow!("DATABASE_URL is not a Postgres URL"))?;
    config
        .application_name(name)
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_retries(3);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    let (client, connection) = config
        .connect(NoTls)
        .await
        .context("connecting to the Postgres that DATABASE_URL names")?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            debug!(%error, "a connection to Postgres ended");
        }
    });
    Ok(client)
}

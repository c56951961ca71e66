//! Connections to Postgres, each with an application name.

use std::time::Duration;

use anyhow::Context;
use tokio_postgres::{Client, Config, NoTls};
use tracing::debug;

use crate::config::Secret;

/// Opens a connection whose `application_name` is `name`. It closes when the client is dropped.
///
/// A connection that breaks later makes the next statement fail; nothing reconnects by itself.
///
/// # Errors
/// When `url` is not a Postgres URL, or when the server cannot be reached or refuses the role.
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
        .context("DATABASE_URL: cannot connect to Postgres")?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            debug!(%error, "a connection to Postgres broke");
        }
    });
    Ok(client)
}

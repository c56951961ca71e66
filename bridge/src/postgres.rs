//! Connections to Postgres, each with an application name, and sessions whose statements have a deadline.

mod url;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::{StreamExt, stream};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Error, Row, Statement};
use tracing::debug;

use crate::config::Secret;

/// Time limit for opening a connection, login included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time after which the kernel gives up a connection whose peer acknowledges nothing.
pub const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
/// Time without traffic after which the kernel probes whether the peer is still there, and the time between probes.
pub const PROBE_AFTER: Duration = Duration::from_secs(2);
pub const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Unanswered probes after which the connection is given up.
pub const PROBES: u32 = 3;
/// Time limit of a statement. It bounds the wait for a server that answers nothing although its kernel acknowledges.
pub const STATEMENT_LIMIT: Duration = Duration::from_secs(8);
/// Postgres cancels a statement this long before its deadline, so that a slow server reports an error itself.
const CANCEL_BEFORE: Duration = Duration::from_secs(1);

/// Checks a URL and the certificates that it names, without connecting.
///
/// # Errors
/// When `url` is not a Postgres URL, or when a file that it names is not valid.
pub fn check(url: &Secret) -> anyhow::Result<()> {
    url::read(url).map(drop)
}

/// Opens a connection whose `application_name` is `name`. It closes when the client is dropped.
///
/// A connection that breaks later makes the next statement fail; nothing reconnects by itself. Statements have no
/// deadline: a running bridge uses [`Session`] instead.
///
/// # Errors
/// When `url` is not valid, when the server cannot be reached or has not the expected certificate, or when it refuses the role.
pub async fn connect(url: &Secret, name: &str) -> anyhow::Result<Client> {
    Ok(open(url, name, || {}).await?.0)
}

/// Opens a connection. The handle closes it at once, also where the server does not answer any more. `notified` is called for each
/// notification.
async fn open(
    url: &Secret,
    name: &str,
    notified: impl Fn() + Send + 'static,
) -> anyhow::Result<(Client, AbortHandle)> {
    // Read for each connection, so that renewed certificates are used without a restart.
    let (mut config, tls) = url::read(url)?;
    config
        .application_name(name)
        .tcp_user_timeout(UNACKNOWLEDGED)
        .keepalives_idle(PROBE_AFTER)
        .keepalives_interval(PROBE_INTERVAL)
        .keepalives_retries(PROBES);
    let limit = config
        .get_connect_timeout()
        .copied()
        .unwrap_or(CONNECT_TIMEOUT);
    config.connect_timeout(limit);
    // The setting bounds only the TCP handshake; a server that accepts and then says nothing needs this.
    let (client, mut connection) = timeout(limit, config.connect(tls))
        .await
        .context("DATABASE_URL: Postgres does not answer")?
        .context("DATABASE_URL: cannot connect to Postgres")?;
    let connection = tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(message) = messages.next().await {
            match message {
                Ok(AsyncMessage::Notification(_)) => notified(),
                Ok(_) => {}
                Err(error) => {
                    debug!(%error, "a connection to Postgres broke");
                    return;
                }
            }
        }
    });
    Ok((client, connection.abort_handle()))
}

/// A connection of a running bridge. Each statement has a deadline and is prepared once.
///
/// A statement that misses its deadline makes the session lost: every later statement fails at once.
pub struct Session {
    client: Client,
    connection: AbortHandle,
    limit: Duration,
    lost: AtomicBool,
    statements: Mutex<HashMap<&'static str, Statement>>,
}

impl Session {
    /// Opens a session whose statements may take [`STATEMENT_LIMIT`].
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn open(url: &Secret, name: &str) -> anyhow::Result<Self> {
        Self::open_with(url, name, STATEMENT_LIMIT).await
    }

    /// Opens a session whose statements may take `limit`.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn open_with(url: &Secret, name: &str, limit: Duration) -> anyhow::Result<Self> {
        Self::begin(open(url, name, || {}).await?, limit).await
    }

    /// Opens a session that listens on a channel. `notified` is called for each notification.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn listen(
        url: &Secret,
        name: &str,
        channel: &str,
        notified: impl Fn() + Send + 'static,
    ) -> anyhow::Result<Self> {
        let session = Self::begin(open(url, name, notified).await?, STATEMENT_LIMIT).await?;
        session.batch_execute(&format!("listen {channel}")).await?;
        Ok(session)
    }

    async fn begin(opened: (Client, AbortHandle), limit: Duration) -> anyhow::Result<Self> {
        let (client, connection) = opened;
        let session = Self {
            client,
            connection,
            limit,
            lost: AtomicBool::new(false),
            statements: Mutex::default(),
        };
        let cancel_after = limit.saturating_sub(CANCEL_BEFORE).as_millis();
        // Postgres compiles a statement if its plan looks expensive. That takes half a second. In a session that forbids sequential
        // scans, the plans of short statements look expensive, too.
        session
            .batch_execute(&format!(
                "set statement_timeout = {cancel_after}; set jit = off"
            ))
            .await?;
        Ok(session)
    }

    /// True if no statement can succeed any more.
    pub fn is_closed(&self) -> bool {
        self.lost.load(Ordering::Relaxed) || self.client.is_closed()
    }

    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// When Postgres fails or does not answer in time.
    pub async fn query(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> anyhow::Result<Vec<Row>> {
        let statement = self.prepared(sql).await?;
        let rows = self
            .within_limit(self.client.query(&statement, parameters))
            .await;
        self.keep_if_ok(sql, statement, &rows);
        rows
    }

    /// Runs a statement that returns one row.
    ///
    /// # Errors
    /// When Postgres fails, does not answer in time, or returns another number of rows.
    pub async fn query_one(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> anyhow::Result<Row> {
        let mut rows = self.query(sql, parameters).await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => bail!("a statement did not return exactly one row"),
        }
    }

    /// Runs a statement and returns the number of rows that it changed.
    ///
    /// # Errors
    /// When Postgres fails or does not answer in time.
    pub async fn execute(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> anyhow::Result<u64> {
        let statement = self.prepared(sql).await?;
        let changed = self
            .within_limit(self.client.execute(&statement, parameters))
            .await;
        self.keep_if_ok(sql, statement, &changed);
        changed
    }

    /// Runs statements without parameters.
    ///
    /// # Errors
    /// When Postgres fails or does not answer in time.
    pub async fn batch_execute(&self, sql: &str) -> anyhow::Result<()> {
        self.within_limit(self.client.batch_execute(sql)).await
    }

    async fn prepared(&self, sql: &'static str) -> anyhow::Result<Statement> {
        let known = self.statements().get(sql).cloned();
        match known {
            Some(statement) => Ok(statement),
            None => self.within_limit(self.client.prepare(sql)).await,
        }
    }

    /// Keeps the statement for the next time. After an error it is prepared again, because the error may be that a
    /// migration has changed what the statement refers to.
    fn keep_if_ok<T>(&self, sql: &'static str, statement: Statement, outcome: &anyhow::Result<T>) {
        match outcome {
            Ok(_) => self.statements().insert(sql, statement),
            Err(_) => self.statements().remove(sql),
        };
    }

    fn statements(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Statement>> {
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn within_limit<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> anyhow::Result<T> {
        if self.lost.load(Ordering::Relaxed) {
            bail!("the session was given up, because Postgres did not answer");
        }
        match timeout(self.limit, work).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => {
                self.lost.store(true, Ordering::Relaxed);
                self.connection.abort();
                bail!("Postgres did not answer within {:?}", self.limit)
            }
        }
    }
}

//! Pools of 64 connections per Postgres address, as on Spin, but connections inside a transaction are not reused.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::{Client, Config};

mod session;
mod tls;

use session::Session;

const MAX_CONNECTIONS: usize = 64;

/// The statements that Spin's pool runs before it reuses a connection: method `Clean` of deadpool-postgres. They keep the cached
/// plans of PL/pgSQL functions, and do not roll back.
const RESET_SQL: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); \
                         DISCARD TEMP; DISCARD SEQUENCES;";

/// The pools by address. An address gets its pool when a function first opens it.
#[derive(Default)]
pub struct Pools(Mutex<HashMap<String, Arc<Pool>>>);

struct Pool {
    permits: Arc<Semaphore>,
    idle: Mutex<VecDeque<Arc<Session>>>,
}

/// A connection in use by one instance. When dropped, it goes back to its pool.
pub struct PooledConnection {
    session: Arc<Session>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pools {
    /// Takes an idle connection, or opens a new one. While all are in use it waits without a time limit, as on Spin.
    ///
    /// # Errors
    /// When a new connection cannot be opened.
    pub async fn get(&self, address: &str, config: &Config) -> Result<PooledConnection> {
        let pool = lock(&self.0)
            .entry(address.to_owned())
            .or_insert_with(|| Arc::new(Pool::new()))
            .clone();
        let permit = pool
            .permits
            .clone()
            .acquire_owned()
            .await
            .context("the pool is closed")?;
        let session = match pool.take_idle() {
            Some(session) => session,
            None => Arc::new(Session::connect(config).await?),
        };
        Ok(PooledConnection {
            session,
            pool,
            _permit: permit,
        })
    }
}

impl Pool {
    fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            idle: Mutex::default(),
        }
    }

    /// Takes the connection that has been idle longest, and discards those that broke meanwhile.
    fn take_idle(&self) -> Option<Arc<Session>> {
        let mut idle = lock(&self.idle);
        while let Some(session) = idle.pop_front() {
            if session.is_reusable() {
                return Some(session);
            }
        }
        None
    }
}

impl PooledConnection {
    /// Starts one statement. Unless [`Self::end_statement`] follows, the connection is not reused, because an aborted
    /// statement leaves it in an unknown state.
    pub fn begin_statement(&self) -> &Client {
        self.session.set_busy(true);
        &self.session.client
    }

    /// Ends the statement.
    ///
    /// # Errors
    /// When the statement left a transaction open. On Spin, the next request on this connection would run inside that
    /// transaction and could lose its writes. Here the error traps the function, so no test passes with such a
    /// statement.
    pub fn end_statement(&self, statement: &str) -> wasmtime::Result<()> {
        self.session.set_busy(false);
        if self.session.in_transaction() {
            tracing::error!(
                statement,
                "a statement left a transaction open; on Spin the next request would run inside it"
            );
            wasmtime::bail!("the statement left a transaction open: {statement}");
        }
        Ok(())
    }
}

/// Resets the connection when it is returned, not when it is reused, so that no request waits for the reset.
/// Statements of the next function run after the reset, because they follow it on the same stream.
impl Drop for PooledConnection {
    fn drop(&mut self) {
        let session = self.session.clone();
        if !session.is_reusable() {
            return;
        }
        let resetting = session.clone();
        let mut reset = Box::pin(async move { resetting.client.batch_execute(RESET_SQL).await });
        // The first poll queues the request. Postgres cannot have answered yet, so a result means a closed connection.
        if reset.as_mut().now_or_never().is_some() {
            return;
        }
        lock(&self.pool.idle).push_back(session.clone());
        tokio::spawn(async move {
            if let Err(error) = reset.await {
                tracing::info!("a connection to Postgres could not be reset: {error}");
                session.mark_broken();
            }
        });
    }
}

/// Ignores poisoning: nothing that can panic runs under these locks, and each change under them is complete in itself.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Sixty-four connections per address, cleaned between two guests as Spin cleans them, except that one inside a transaction is never reused.
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::{Client, Config};

use super::session::Session;

const CONNECTIONS: usize = 64;

/// What Spin's pool runs between two guests. It keeps plans of PL/pgSQL functions, and it does not roll back.
const CLEAN_UP: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); \
                        DISCARD TEMP; DISCARD SEQUENCES;";

/// One pool for each address that guests have opened.
#[derive(Default)]
pub struct Pools(Mutex<HashMap<String, Arc<Pool>>>);

struct Pool {
    permits: Arc<Semaphore>,
    idle: Mutex<VecDeque<Arc<Session>>>,
}

/// A connection that is one guest's until it is dropped.
pub struct Lease {
    session: Arc<Session>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pools {
    /// Waits without a limit while all connections are taken, as Spin does.
    pub async fn lease(self: Arc<Self>, address: &str, config: Config) -> Result<Lease> {
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
        let session = match pool.idle() {
            Some(session) => session,
            None => Arc::new(Session::connect(&config).await?),
        };
        Ok(Lease {
            session,
            pool,
            _permit: permit,
        })
    }
}

impl Pool {
    fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
            idle: Mutex::default(),
        }
    }

    /// The connection that has rested longest; those that broke meanwhile are let go.
    fn idle(&self) -> Option<Arc<Session>> {
        let mut idle = lock(&self.idle);
        while let Some(session) = idle.pop_front() {
            if session.is_reusable() {
                return Some(session);
            }
        }
        None
    }
}

impl Lease {
    /// For one statement of the guest's. One that is cut off before its `end` costs the connection: nobody knows what it leaves behind.
    pub fn begin(&self) -> &Client {
        self.session.set_busy(true);
        &self.session.client
    }

    /// A transaction left open would take in the next guest that gets this connection: on Spin its writes can vanish. Here the
    /// error traps the guest, so that no test passes with one.
    pub fn end(&self, statement: &str) -> wasmtime::Result<()> {
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

/// The clean-up is sent when a connection comes back rather than when it goes out, so that no request waits for its answer:
/// what the next guest sends is behind it in the same stream.
impl Drop for Lease {
    fn drop(&mut self) {
        let session = self.session.clone();
        if !session.is_reusable() {
            return;
        }
        let cleaned = session.clone();
        let mut clean_up = Box::pin(async move { cleaned.client.batch_execute(CLEAN_UP).await });
        if clean_up.as_mut().now_or_never().is_some() {
            // Answered before Postgres can have: the connection is gone.
            return;
        }
        lock(&self.pool.idle).push_back(session.clone());
        tokio::spawn(async move {
            if let Err(error) = clean_up.await {
                tracing::info!("a connection to Postgres could not be cleaned: {error}");
                session.condemn();
            }
        });
    }
}

/// No code panics while it holds one of these locks, and what they guard is whole between any two lines.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Sixty-four connections per address, cleaned between two guests as Spin cleans them, except that one inside a transaction is never reused.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
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
    idle: Mutex<Vec<Arc<Session>>>,
}

/// A connection that is one guest's until it is dropped.
pub struct Lease {
    session: Arc<Session>,
    pool: Arc<Pool>,
    permit: Arc<OwnedSemaphorePermit>,
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
            permit: Arc::new(permit),
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

    /// The connection used last, which has the warmest caches; those that Postgres closed meanwhile are let go.
    fn idle(&self) -> Option<Arc<Session>> {
        let mut idle = lock(&self.idle);
        while let Some(session) = idle.pop() {
            if !session.client.is_closed() {
                return Some(session);
            }
        }
        None
    }
}

impl Lease {
    pub fn client(&self) -> &Client {
        &self.session.client
    }

    /// A transaction left open would take in the next guest that gets this connection: on Spin its writes can vanish. Here the
    /// error traps the guest, so that no test passes with one.
    pub fn refuse_open_transaction(&self, statement: &str) -> wasmtime::Result<()> {
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

/// Cleaned when it comes back rather than when it goes out, so that no request waits for it.
impl Drop for Lease {
    fn drop(&mut self) {
        if self.session.in_transaction() || self.session.client.is_closed() {
            return;
        }
        let (session, pool, permit) =
            (self.session.clone(), self.pool.clone(), self.permit.clone());
        tokio::spawn(async move {
            // A guest that was cut off in mid-statement may have opened a transaction that is only known now.
            if session.client.batch_execute(CLEAN_UP).await.is_ok() && !session.in_transaction() {
                lock(&pool.idle).push(session);
            }
            drop(permit);
        });
    }
}

/// No code panics while it holds one of these locks, and what they guard is whole between any two lines.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What the gateway asks Postgres: who a ticket belongs to, and the state of accounts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, Semaphore};
use uuid::Uuid;

use super::closing::Closing;
use super::hub::check::Account;
use crate::config::Secret;
use crate::postgres::Session;

/// Tickets that are redeemed at once. When all clients come back at the same time, the others wait here and not in Postgres.
const AT_ONCE: usize = 64;

/// A session that is opened again when it has broken.
struct Database {
    url: Secret,
    name: &'static str,
    session: Mutex<Option<Arc<Session>>>,
}

impl Database {
    fn new(url: Secret, name: &'static str) -> Self {
        let session = Mutex::default();
        Self { url, name, session }
    }

    async fn session(&self) -> anyhow::Result<Arc<Session>> {
        let mut session = self.session.lock().await;
        if let Some(open) = session.as_ref().filter(|open| !open.is_closed()) {
            return Ok(open.clone());
        }
        let opened = Arc::new(Session::open(&self.url, self.name).await?);
        *session = Some(opened.clone());
        Ok(opened)
    }
}

/// The statements of the gateway. Those about tickets have a session of their own, so that a check of many users does not delay them.
pub struct Accounts {
    tickets: Database,
    checks: Database,
    places: Semaphore,
}

/// Who has redeemed a ticket.
#[derive(Clone, Copy, Debug)]
pub struct Redeemed {
    pub user: Uuid,
    /// The number of the user's latest change that was committed after `since`.
    pub last: i64,
    pub since: Instant,
    pub stamp: i64,
    /// How long the access token is valid.
    pub valid: Duration,
}

/// Where a request with a ticket comes from, as the browser says.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The header `Origin`.
    pub name: Option<String>,
    /// The page has the same origin as the gateway. Browsers send no `Origin` then for a GET that is no WebSocket.
    pub is_own: bool,
}

impl Accounts {
    pub fn new(url: &Secret) -> Self {
        Self {
            tickets: Database::new(url.clone(), "bridge gateway tickets"),
            checks: Database::new(url.clone(), "bridge gateway checks"),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// Uses up a ticket.
    ///
    /// # Errors
    /// Why the client cannot be served. `Closing::UNAVAILABLE` if Postgres fails.
    pub async fn redeem(&self, ticket: &str, origin: &Origin) -> Result<Redeemed, Closing> {
        let hash = Sha256::digest(ticket.as_bytes()).to_vec();
        let _place = self.places.acquire().await;
        let since = Instant::now();
        let row = async {
            let session = self.tickets.session().await?;
            let statement = include_str!("accounts/redeem.sql");
            session
                .query_one(statement, &[&hash, &origin.name, &origin.is_own])
                .await
        };
        let row = row.await.map_err(unavailable)?;
        let (owner, last, stamp, seconds) = match row.get::<_, &str>(0) {
            "redeemed" => (row.get(1), row.get(2), row.get(3), row.get::<_, f64>(4)),
            "unknown" => return Err(Closing::TICKET_UNKNOWN),
            "late" => return Err(Closing::TICKET_LATE),
            "elsewhere" => return Err(Closing::TICKET_ELSEWHERE),
            "changed" => return Err(Closing::CHANGED),
            other => return Err(unavailable(anyhow::anyhow!("the unknown outcome {other}"))),
        };
        Ok(Redeemed {
            user: owner,
            last,
            since,
            stamp,
            valid: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        })
    }

    /// Reads a user's number once more.
    ///
    /// # Errors
    /// As [`Self::redeem`].
    pub async fn again(&self, redeemed: Redeemed) -> Result<Redeemed, Closing> {
        let since = Instant::now();
        let read = self.read(&[redeemed.user]).await.map_err(unavailable)?;
        let account = read
            .get(&redeemed.user)
            .filter(|account| account.stamp == redeemed.stamp)
            .ok_or(Closing::CHANGED)?;
        Ok(Redeemed {
            last: account.last,
            since,
            ..redeemed
        })
    }

    /// The accounts of these users. One that is closed has no entry.
    ///
    /// # Errors
    /// When Postgres fails.
    pub async fn read(&self, users: &[Uuid]) -> anyhow::Result<HashMap<Uuid, Account>> {
        let session = self.checks.session().await?;
        let rows = session
            .query(include_str!("accounts/read.sql"), &[&users])
            .await?;
        let accounts = rows.iter().map(|row| {
            let (stamp, last) = (row.get(1), row.get(2));
            (row.get(0), Account { stamp, last })
        });
        Ok(accounts.collect())
    }
}

fn unavailable(error: anyhow::Error) -> Closing {
    tracing::debug!(
        error = format!("{error:#}"),
        "a ticket could not be checked; the client is told to come back"
    );
    Closing::UNAVAILABLE
}

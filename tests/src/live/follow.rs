//! A client that follows the rules: it connects again whenever it must, pulls when it is told to, and checks that it misses nothing.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{Heard, Socket};
use crate::client::{User, number};
use crate::fixture;
use crate::wait;

/// How long a client listens until it looks whether it has reached its goal.
const LOOK: Duration = Duration::from_millis(200);
/// The time limit of a pull, an outage included.
const PULL_LIMIT: Duration = Duration::from_secs(60);

/// What a client was told.
#[derive(Debug, Default)]
pub struct Told {
    /// The number up to which it is complete.
    pub seq: i64,
    /// Changes that came as messages.
    pub changes: u64,
    /// How often it was told to pull.
    pub resyncs: u64,
    pub connections: u64,
}

impl Told {
    /// Counts what another client was told, too.
    pub fn add(&mut self, other: &Self) {
        self.changes += other.changes;
        self.resyncs += other.resyncs;
        self.connections += other.connections;
    }
}

/// A client that runs until it is complete.
pub struct Following {
    task: JoinHandle<Result<Told>>,
    goal: watch::Sender<Option<i64>>,
}

/// Starts a client at the gateway. A pull is a look into the database, which is complete like an answer of the API.
#[must_use]
pub fn follow(user: &User, gateway: SocketAddr, database: String) -> Following {
    let (goal, goals) = watch::channel(None);
    let user = user.clone();
    let task = tokio::spawn(run(user, gateway, database, goals));
    Following { task, goal }
}

impl Following {
    /// Waits until the client is complete up to this number.
    ///
    /// # Errors
    /// It does not get there in time, or it missed a change that it was not told about.
    pub async fn reach(self, goal: i64, limit: Duration) -> Result<Told> {
        self.goal.send_replace(Some(goal));
        timeout(limit, self.task)
            .await
            .with_context(|| format!("a client did not get to {goal} within {limit:?}"))??
    }
}

/// The number of the user's newest change.
///
/// # Errors
/// Postgres fails.
pub async fn committed(database: &Client, user: Uuid) -> Result<i64> {
    let statement = "select sync_seq from users where id = $1";
    Ok(database.query_one(statement, &[&user]).await?.get(0))
}

async fn run(
    user: User,
    gateway: SocketAddr,
    database: String,
    goals: watch::Receiver<Option<i64>>,
) -> Result<Told> {
    let mut told = Told::default();
    loop {
        if is_there(&told, &goals) {
            return Ok(told);
        }
        // Whatever is away comes back.
        let Ok((mut socket, hello)) = Socket::join(gateway, &user, Some(told.seq)).await else {
            wait::before_retry().await;
            continue;
        };
        told.connections += 1;
        let from = number(&hello, "seq")?;
        ensure!(from >= told.seq, "{hello} after {told:?}");
        let mut heard = from;
        while !is_there(&told, &goals) {
            match timeout(LOOK, socket.next(LOOK * 2)).await {
                Err(_) => {}
                Ok(Err(_) | Ok(Heard::Closed(..))) => break,
                Ok(Ok(Heard::Message(message))) => match message["type"].as_str() {
                    Some("changed" | "gone" | "notification") => {
                        let seq = number(&message, "seq")?;
                        // A pull may have been ahead of the messages. They still ascend, and what follows has no gap.
                        ensure!(seq > heard, "{seq} came after {heard}");
                        ensure!(seq <= told.seq + 1, "{seq} came after {told:?}");
                        heard = seq;
                        told.seq = told.seq.max(seq);
                        told.changes += 1;
                    }
                    Some("resync") => {
                        let seq = number(&message, "seq")?;
                        heard = heard.max(seq);
                        told.seq = told.seq.max(pull(&database, user.id, seq).await?);
                        told.resyncs += 1;
                    }
                    _ => bail!("unexpected: {message}"),
                },
            }
        }
    }
}

fn is_there(told: &Told, goals: &watch::Receiver<Option<i64>>) -> bool {
    goals.borrow().is_some_and(|goal| told.seq >= goal)
}

/// Reads the user's number, as soon as the database answers. What a gateway has named is committed.
async fn pull(database: &str, user: Uuid, named: i64) -> Result<i64> {
    let read = async {
        loop {
            let client = fixture::connect(database).await;
            if let Ok(client) = client
                && let Ok(pulled) = committed(&client, user).await
            {
                return pulled;
            }
            wait::before_retry().await;
        }
    };
    let pulled = timeout(PULL_LIMIT, read).await;
    let pulled = pulled.context("a client could not pull")?;
    ensure!(
        pulled >= named,
        "{named} was told, and {pulled} is committed"
    );
    Ok(pulled)
}

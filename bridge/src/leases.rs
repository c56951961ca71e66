//! Leases on work that one bridge at a time may do, shared evenly among the bridges that are alive.
//!
//! A lease is a session-level advisory lock in Postgres, so it ends with the session that holds it. Postgres ends a
//! session that is silent for 6 s. A bridge that is paused or cut off therefore loses its leases, as one that was
//! killed does.

mod alive;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;
use tokio_postgres::Row;
use uuid::Uuid;

use self::alive::{Alive, Beat};
use crate::config::Secret;
use crate::postgres::Session;

/// Time between two heartbeats of a session. Postgres ends the session after six missed ones, see [`SESSION`].
pub const HEARTBEAT: Duration = Duration::from_secs(1);

const SESSION: &str = "set idle_session_timeout = '6s'; \
    set idle_in_transaction_session_timeout = '6s'; \
    set tcp_keepalives_idle = 2; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 3; \
    set tcp_user_timeout = '6s'";
const HEARTBEAT_SQL: &str = include_str!("leases/heartbeat.sql");

/// A session, and the leases of one class that it holds, such as the shards of the relay.
pub struct Leases {
    session: Session,
    bridge: Uuid,
    class: String,
    names: Vec<String>,
    held: BTreeSet<String>,
    alive: Alive,
}

/// What a heartbeat changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Leases taken.
    pub gained: Vec<String>,
    /// Leases beyond the fair share. They are still held: the caller finishes its work on them and calls
    /// [`Leases::release`].
    pub excess: Vec<String>,
}

impl Leases {
    /// Opens a session. `names` are all leases of the class; every bridge must give the same.
    ///
    /// # Errors
    /// When Postgres cannot be reached or refuses a statement.
    pub async fn open(
        url: &Secret,
        bridge: Uuid,
        class: &str,
        names: Vec<String>,
    ) -> anyhow::Result<Self> {
        let session = Session::open(url, &format!("bridge {class}")).await?;
        session
            .batch_execute(SESSION)
            .await
            .context("configuring the session that holds leases")?;
        Ok(Self {
            session,
            bridge,
            class: class.to_owned(),
            names,
            held: BTreeSet::new(),
            alive: Alive::default(),
        })
    }

    /// The session that holds the leases. A statement sent through it fails if the leases are lost with the session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Names of the leases held.
    pub fn held(&self) -> &BTreeSet<String> {
        &self.held
    }

    /// Sends a heartbeat, takes free leases up to the fair share, and names the leases held beyond it.
    ///
    /// # Errors
    /// When Postgres fails. All leases may be lost then.
    pub async fn heartbeat(&mut self) -> anyhow::Result<Change> {
        let rows = self.beat().await?;
        let beats: Vec<Beat> = rows.iter().map(beat_of).collect();
        let others = self.alive.observe(&beats, Instant::now());
        let alive = others.len() + 1;
        let share = self.names.len().div_ceil(alive);
        let mut change = Change::default();
        if self.held.len() > share {
            change.excess = self.held.iter().skip(share).cloned().collect();
            return Ok(change);
        }
        // Each bridge starts with another lease, so that bridges that start together seldom try for the same one.
        let first = others.iter().filter(|other| **other < self.bridge).count() * share;
        let mut candidates = self.names.clone();
        candidates.rotate_left(first.min(self.names.len()));
        for name in candidates {
            if self.held.len() >= share {
                break;
            }
            if !self.held.contains(&name)
                && self
                    .session
                    .query_one(include_str!("leases/take.sql"), &[&name])
                    .await?
                    .get(0)
            {
                self.held.insert(name.clone());
                change.gained.push(name);
            }
        }
        Ok(change)
    }

    /// Sends a heartbeat and changes no lease, for a holder that is in the middle of its work.
    ///
    /// # Errors
    /// When Postgres fails. All leases may be lost then.
    pub async fn keep_alive(&self) -> anyhow::Result<()> {
        self.beat().await.map(drop)
    }

    async fn beat(&self) -> anyhow::Result<Vec<Row>> {
        self.session
            .query(HEARTBEAT_SQL, &[&self.bridge, &self.class])
            .await
            .context("sending a heartbeat")
    }

    /// Releases these leases, so that other bridges can take them.
    ///
    /// # Errors
    /// When Postgres fails.
    pub async fn release(&mut self, names: &[String]) -> anyhow::Result<()> {
        for name in names {
            if self.held.remove(name) {
                self.session
                    .query_one(include_str!("leases/release.sql"), &[name])
                    .await?;
            }
        }
        Ok(())
    }

    /// Removes this bridge from those that count as alive, so that the others need not wait until its heartbeats are
    /// missed.
    ///
    /// # Errors
    /// When Postgres fails.
    pub async fn leave(&mut self) -> anyhow::Result<()> {
        self.session
            .execute(
                include_str!("leases/leave.sql"),
                &[&self.bridge, &self.class],
            )
            .await?;
        Ok(())
    }
}

/// Reads a row of `heartbeat.sql`.
fn beat_of(row: &Row) -> Beat {
    Beat {
        bridge: row.get(0),
        at: row.get(1),
        recent: row.get(2),
    }
}

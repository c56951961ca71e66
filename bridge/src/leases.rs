//! Leases: work that one bridge at a time may do, shared fairly among the bridges that are alive.
//!
//! A lease is a session advisory lock, so it ends with its bridge. Postgres itself ends a session that has been silent
//! for too long: a paused or cut-off bridge loses its leases as surely as a killed one.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::config::Secret;
use crate::postgres;

/// How often a holder shows that it is alive. A session silent for six times as long is ended by Postgres.
pub const BEAT: Duration = Duration::from_secs(1);

const SESSION: &str = "set idle_session_timeout = '6s'; \
    set idle_in_transaction_session_timeout = '6s'; \
    set tcp_keepalives_idle = 2; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 3; \
    set statement_timeout = '20s'";

/// One session and the leases it holds of one class, such as the shards of the relay.
pub struct Leases {
    client: Client,
    bridge: Uuid,
    class: String,
    names: Vec<String>,
    held: BTreeSet<String>,
    beat: Statement,
    take: Statement,
    release: Statement,
}

/// What a beat changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub gained: Vec<String>,
    /// Held beyond the fair share: finish the work in hand, then `release`.
    pub excess: Vec<String>,
}

impl Leases {
    /// Opens the session; `names` are all leases of the class, the same for every bridge.
    pub async fn open(
        url: &Secret,
        bridge: Uuid,
        class: &str,
        names: Vec<String>,
    ) -> anyhow::Result<Self> {
        let client = postgres::connect(url, &format!("bridge {class}")).await?;
        client
            .batch_execute(SESSION)
            .await
            .context("setting up a session for leases")?;
        let beat = client.prepare(include_str!("leases/beat.sql")).await?;
        let take = client.prepare(include_str!("leases/take.sql")).await?;
        let release = client.prepare(include_str!("leases/release.sql")).await?;
        let (class, held) = (class.to_owned(), BTreeSet::new());
        Ok(Self {
            client,
            bridge,
            class,
            names,
            held,
            beat,
            take,
            release,
        })
    }

    /// The session that holds the leases: what is written through it is written by their holder.
    pub fn session(&self) -> &Client {
        &self.client
    }

    pub fn held(&self) -> &BTreeSet<String> {
        &self.held
    }

    /// Shows that this bridge is alive, takes free leases up to its share and names those beyond it.
    pub async fn beat(&mut self) -> anyhow::Result<Change> {
        let others = self
            .client
            .query(&self.beat, &[&self.bridge, &self.class])
            .await
            .context("beating")?;
        let alive = others.len() + 1;
        let share = self.names.len().div_ceil(alive);
        let mut change = Change::default();
        if self.held.len() > share {
            change.excess = self.held.iter().skip(share).cloned().collect();
            return Ok(change);
        }
        // Bridges that start at the same time begin at different places, so that they seldom reach for the same lease.
        let first = others
            .iter()
            .filter(|row| row.get::<_, Uuid>(0) < self.bridge)
            .count()
            * share;
        let mut wanted = self.names.clone();
        wanted.rotate_left(first.min(self.names.len()));
        for name in wanted {
            if self.held.len() >= share {
                break;
            }
            if !self.held.contains(&name)
                && self.client.query_one(&self.take, &[&name]).await?.get(0)
            {
                self.held.insert(name.clone());
                change.gained.push(name);
            }
        }
        Ok(change)
    }

    /// Only shows that this bridge is alive, for a holder who is waiting.
    pub async fn stay(&self) -> anyhow::Result<()> {
        self.client
            .query(&self.beat, &[&self.bridge, &self.class])
            .await
            .context("beating")?;
        Ok(())
    }

    /// Lets others have these leases.
    pub async fn release(&mut self, names: &[String]) -> anyhow::Result<()> {
        for name in names {
            if self.held.remove(name) {
                self.client.query_one(&self.release, &[name]).await?;
            }
        }
        Ok(())
    }

    /// Leaves at once, so that the others need not wait for the silence.
    pub async fn leave(&mut self) -> anyhow::Result<()> {
        self.client
            .execute(
                include_str!("leases/leave.sql"),
                &[&self.bridge, &self.class],
            )
            .await?;
        Ok(())
    }
}

//! `bridge quarantine`: outbox rows that the event log refuses. The relay sets them aside, so that the later events of
//! their users move on.

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::config::Secret;
use crate::postgres::Session;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the rows in quarantine, oldest first, with the reason.
    List,
    /// Put rows back into the outbox, once the reason is gone.
    ///
    /// Their events reach the log after newer events of the same users. Prints the id of each event.
    Requeue(Selection),
    /// Remove rows for good: no agent will see their events.
    ///
    /// Prints the id of each event.
    Discard(Selection),
}

/// Which rows to handle.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct Selection {
    /// Id of the event.
    #[arg(long)]
    id: Option<Uuid>,
    /// Every row in quarantine.
    #[arg(long)]
    all: bool,
}

/// A row in quarantine.
#[derive(Debug)]
pub struct Quarantined {
    pub outbox_id: i64,
    pub event_id: Uuid,
    pub topic: String,
    pub user: Uuid,
    /// When it went into quarantine, in RFC 3339.
    pub since: String,
    pub reason: String,
    /// Size of the event in bytes.
    pub size: i32,
}

/// Runs one of the commands.
///
/// # Errors
/// When Postgres fails, or when no row has the given id.
pub async fn run(database_url: &Secret, command: Command) -> anyhow::Result<()> {
    let session = Session::open(database_url, "bridge quarantine").await?;
    let (handled, selection) = match command {
        Command::List => {
            for row in list(&session).await? {
                let Quarantined {
                    event_id,
                    since,
                    topic,
                    user,
                    size,
                    reason,
                    ..
                } = row;
                println!("{event_id}  {since}  {topic}  user {user}  {size} bytes: {reason}");
            }
            return Ok(());
        }
        Command::Requeue(selection) => (requeue(&session, selection.id).await?, selection),
        Command::Discard(selection) => (discard(&session, selection.id).await?, selection),
    };
    for id in &handled {
        println!("{id}");
    }
    if let Some(id) = selection.id {
        ensure!(
            !handled.is_empty(),
            "no row in quarantine has the event {id}"
        );
    }
    Ok(())
}

/// The rows in quarantine, oldest first.
///
/// # Errors
/// When Postgres fails.
pub async fn list(session: &Session) -> anyhow::Result<Vec<Quarantined>> {
    let rows = session
        .query(include_str!("quarantine/list.sql"), &[])
        .await
        .context("listing the quarantine")?;
    let quarantined = rows.iter().map(|row| Quarantined {
        outbox_id: row.get(0),
        event_id: row.get(1),
        topic: row.get(2),
        user: row.get(3),
        since: row.get(4),
        reason: row.get(5),
        size: row.get(6),
    });
    Ok(quarantined.collect())
}

/// Puts the row of this event, or every row, back into the outbox; returns the ids of the events.
///
/// # Errors
/// When Postgres fails.
pub async fn requeue(session: &Session, event: Option<Uuid>) -> anyhow::Result<Vec<Uuid>> {
    let rows = session
        .query(include_str!("quarantine/requeue.sql"), &[&event])
        .await
        .context("putting rows back into the outbox")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Removes the row of this event, or every row; returns the ids of the events.
///
/// # Errors
/// When Postgres fails.
pub async fn discard(session: &Session, event: Option<Uuid>) -> anyhow::Result<Vec<Uuid>> {
    let rows = session
        .query(include_str!("quarantine/discard.sql"), &[&event])
        .await
        .context("removing rows from quarantine")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

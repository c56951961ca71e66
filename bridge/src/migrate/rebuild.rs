//! Sets what is derived from the texts of tasks that an older release has written, so that searches and filters find them.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio_postgres::Client;
use tracing::info;

/// Rows that one statement sets. It keeps them locked for some tens of milliseconds.
const CHUNK: i32 = 200;
/// Number of times that all tasks are read, with a pause. A row that was locked is set the next time. Statements of the programs end
/// after 10 s.
const PASSES: usize = 150;
const PAUSE: Duration = Duration::from_millis(100);
const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// Sets it until no task is without. If none is, it reads all tasks once, which takes about a second for a million.
///
/// # Errors
/// When Postgres fails, or when rows stay locked. The next run continues.
pub(super) async fn rebuild_tasks(client: &Client) -> anyhow::Result<()> {
    for pass in 1..=PASSES {
        let (mut after, mut skipped) = (NIL.to_owned(), 0);
        loop {
            let row = client
                .query_one(include_str!("rebuild_tasks.sql"), &[&after, &CHUNK])
                .await
                .context("setting what is derived from the texts of tasks")?;
            let (last, locked): (Option<String>, i64) = (row.get(0), row.get(1));
            skipped += locked;
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        if skipped == 0 {
            return Ok(());
        }
        info!(pass, skipped, "tasks that were locked are left");
        tokio::time::sleep(PAUSE).await;
    }
    bail!("some tasks stayed locked, so searches do not find them: run `bridge migrate` again")
}

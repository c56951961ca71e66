//! Checks reminders: each fires when it is due, once and only for an open task, and the audit trail says what became of its deliveries.

use std::time::Duration;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::wait;

/// Waits until all reminders of these users are as promised. The events of all that has fired are on the trail then.
///
/// # Errors
/// Names a reminder that is not, and why, at the limit.
pub async fn wait_for_reminders(database: &Client, users: &[Uuid], limit: Duration) -> Result<()> {
    wait::until("every reminder is as promised", limit, async || {
        let statement = include_str!("../../sql/broken_reminders.sql");
        let broken = database.query(statement, &[&users]).await?;
        let Some(first) = broken.first() else {
            return Ok(Some(()));
        };
        let (reminder, fires_at, wrong): (Uuid, Option<DateTime<Utc>>, String) =
            (first.get(0), first.get(1), first.get(2));
        let count = broken.len();
        bail!("{count} are not, such as {reminder} at {fires_at:?}: {wrong}")
    })
    .await
}

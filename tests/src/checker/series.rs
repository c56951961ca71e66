//! Checks recurring tasks: each completion of the newest occurrence of a series leads to one next occurrence, which is the one that the
//! API announced.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::acknowledged::{AcknowledgedWrites, AnnouncedOccurrence};
use crate::wait;

/// An occurrence as it is stored, also if it is deleted.
#[derive(Debug)]
struct Stored {
    task: Uuid,
    occurrence: String,
    number: i64,
    is_open: bool,
}

/// Waits until every announced occurrence exists.
///
/// # Errors
/// Names one that is missing at the limit.
pub async fn wait_for_occurrences(
    database: &Client,
    acknowledged: &AcknowledgedWrites,
    limit: Duration,
) -> Result<()> {
    wait::until(
        "every completion has its next occurrence",
        limit,
        async || {
            let stored = stored(database, acknowledged).await?;
            let is_there = |next: &AnnouncedOccurrence| {
                let mut tasks = stored.get(&next.series).into_iter().flatten();
                tasks.any(|task| task.task == next.task)
            };
            let missing: Vec<_> = acknowledged
                .announced()
                .filter(|next| !is_there(next))
                .collect();
            ensure!(
                missing.is_empty(),
                "{} are missing, such as {:?}",
                missing.len(),
                missing.first()
            );
            Ok(Some(()))
        },
    )
    .await
}

/// Checks that each series has the occurrence that was completed, the one that was announced, and no other.
///
/// # Errors
/// Names a series that has other tasks.
pub async fn occurrences_are_there_once(
    database: &Client,
    acknowledged: &AcknowledgedWrites,
) -> Result<()> {
    let stored = stored(database, acknowledged).await?;
    for next in acknowledged.announced() {
        let tasks = stored.get(&next.series).context("a series without tasks")?;
        let made: Vec<_> = tasks
            .iter()
            .filter(|task| task.task != next.after)
            .collect();
        let is_right = match made.as_slice() {
            [made] => {
                made.task == next.task
                    && made.occurrence == next.occurrence
                    && made.number == next.number
                    && made.is_open
            }
            _ => false,
        };
        ensure!(is_right, "announced was {next:?}, and there is {made:?}");
    }
    Ok(())
}

/// The tasks of the series whose completions were acknowledged, by series.
async fn stored(
    database: &Client,
    acknowledged: &AcknowledgedWrites,
) -> Result<BTreeMap<Uuid, Vec<Stored>>> {
    let series: Vec<Uuid> = acknowledged.announced().map(|next| next.series).collect();
    let mut stored: BTreeMap<Uuid, Vec<Stored>> = BTreeMap::new();
    let sql = include_str!("../../sql/tasks_of_series.sql");
    for row in database.query(sql, &[&series]).await? {
        stored.entry(row.get(0)).or_default().push(Stored {
            task: row.get(1),
            occurrence: row.get(2),
            number: row.get(3),
            is_open: row.get(4),
        });
    }
    Ok(stored)
}

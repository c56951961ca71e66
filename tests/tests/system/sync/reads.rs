//! The work of a page of `/api/sync`: it depends on what has changed, not on what the account has.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::fixture::Fixture;
use uuid::Uuid;

use super::super::plans::{buffers_of, own_database};

/// The number of tasks of each of two users.
const TASKS: i64 = 20_000;

/// How far behind a client is, the page size, and the buffers that the page may read.
const PAGES: [(i64, i64, i64); 3] = [(0, 1000, 20), (1, 1000, 120), (TASKS, 100, 700)];

pub async fn a_delta_reads_little(_: &mut Fixture) -> Result<()> {
    let database = &own_database().await?;
    let mut users = Vec::new();
    for _ in 0..2 {
        let id: Uuid = database
            .query_one(include_str!("../../../sql/insert_user.sql"), &[])
            .await?
            .get(0);
        let insert = include_str!("../../../sql/insert_numbered_tasks.sql");
        database.execute(insert, &[&id, &TASKS]).await?;
        users.push(id.to_string());
    }
    let [user, _] = &users[..] else {
        anyhow::bail!("two users")
    };
    database
        .batch_execute(include_str!("../../../sql/sync_once.sql"))
        .await?;
    for analyze in ["select", "vacuum analyze tasks"] {
        database.batch_execute(analyze).await?;
        database
            .batch_execute("set role spindle_api; set jit = off")
            .await?;
        for (behind, limit, most) in PAGES {
            let mut read = Vec::new();
            // After five executions, Postgres may choose a plan for any parameter.
            for _ in 0..8 {
                let statement = include_str!("../../../sql/sync_buffers.sql");
                let plan: Value = database
                    .query_one(statement, &[user, &(TASKS - behind), &limit])
                    .await?
                    .get(0);
                read.push(buffers_of(&plan)?);
            }
            // The first page reads the catalog.
            let largest = read.iter().skip(1).max().context("no plan")?;
            ensure!(
                *largest <= most,
                "{behind} changes: {read:?} buffers instead of {most}"
            );
        }
        database.batch_execute("reset role; reset jit").await?;
    }
    Ok(())
}

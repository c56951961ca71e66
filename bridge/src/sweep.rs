//! Removes what has served its time, a little at a time: old records of the Postgres log, old idempotency keys; and
//! keeps the partitions of the audit trail.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::Secret;
use crate::metrics::Metrics;
use crate::postgres;

const EVERY: Duration = Duration::from_secs(30);
const TRAIL_EVERY: Duration = Duration::from_secs(3_600);
/// Rows of one statement, so that none of them holds anything up.
const MOST: i64 = 1_000;
/// One bridge at a time is enough.
const LOCK: &str = "select pg_try_advisory_lock(hashtext('spindle'), hashtext('sweep'))";

pub struct Sweep {
    pub url: Secret,
    pub metrics: Metrics,
    pub stop: CancellationToken,
}

impl Sweep {
    pub async fn run(self) {
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut kept = None;
        while self.stop.run_until_cancelled(every.tick()).await.is_some() {
            if let Some(Err(error)) = self.stop.run_until_cancelled(self.step(&mut kept)).await {
                warn!(error = format!("{error:#}"), "sweeping failed");
            }
        }
    }

    /// Sweeps until nothing is left, unless another bridge is doing so.
    pub async fn step(&self, kept: &mut Option<Instant>) -> anyhow::Result<()> {
        let client = postgres::connect(&self.url, "bridge sweep").await?;
        if !client.query_one(LOCK, &[]).await?.get::<_, bool>(0) {
            return Ok(());
        }
        while self.count(
            "log_records",
            client
                .execute(include_str!("sweep/log_records.sql"), &[&MOST])
                .await?,
        ) {}
        while self.count("idempotency_keys", keys(&client).await?) {}
        self.count(
            "rate_limits",
            client
                .execute(include_str!("sweep/rate_limits.sql"), &[])
                .await?,
        );
        if kept.is_none_or(|at| at.elapsed() >= TRAIL_EVERY) {
            client
                .execute(include_str!("sweep/audit_trail.sql"), &[])
                .await?;
            *kept = Some(Instant::now());
        }
        self.count(
            "dead_letters_handled",
            client
                .execute(include_str!("sweep/dead_letters_handled.sql"), &[])
                .await?,
        );
        Ok(())
    }

    /// Counts what was removed; true if there may be more.
    fn count(&self, table: &str, rows: u64) -> bool {
        self.metrics.swept.with_label_values(&[table]).inc_by(rows);
        rows >= MOST.unsigned_abs()
    }
}

async fn keys(client: &Client) -> anyhow::Result<u64> {
    let row = client
        .query_one(include_str!("sweep/idempotency_keys.sql"), &[&MOST])
        .await?;
    Ok(u64::try_from(row.get::<_, i64>(0))?)
}

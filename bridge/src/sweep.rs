//! Removes expired rows every 30 s, in small batches: records of the Postgres log, what users' rows have outlived (idempotency keys,
//! refresh tokens, tombstones, ended jobs, deliveries, notifications, tickets), rate limits, and notes on handled dead letters. Also maintains the
//! partitions of the audit trail.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::Secret;
use crate::groups::GROUPS;
use crate::metrics::Metrics;
use crate::postgres::Session;

const INTERVAL: Duration = Duration::from_secs(30);
const AUDIT_INTERVAL: Duration = Duration::from_secs(3_600);
/// Rows that one statement removes at most, so that none holds its locks for long.
const BATCH: i64 = 1_000;
/// Time limit of a statement. Nobody waits for it, so it may take longer than others.
const STATEMENT_LIMIT: Duration = Duration::from_secs(60);
/// Takes a session lock, because one bridge that sweeps is enough. Result: true if this session got it.
const LOCK: &str = "select pg_try_advisory_lock(hashtext('spindle'), hashtext('sweep'))";

/// The periodic removal of expired rows.
pub struct Sweep {
    pub url: Secret,
    pub metrics: Metrics,
    pub stop: CancellationToken,
}

impl Sweep {
    /// Sweeps until `stop` is cancelled. A failed sweep is logged, and the next one tries again.
    pub async fn run(self) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut audit_maintained = None;
        while self.stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let step = self.step(&mut audit_maintained);
            if let Some(Err(error)) = self.stop.run_until_cancelled(step).await {
                warn!(error = format!("{error:#}"), "removing expired rows failed");
            }
        }
    }

    /// Sweeps until no expired row is left. Does nothing while another bridge sweeps.
    ///
    /// `audit_maintained` is when the audit trail's partitions were last maintained, which happens once an hour.
    ///
    /// # Errors
    /// When Postgres fails.
    pub async fn step(&self, audit_maintained: &mut Option<Instant>) -> anyhow::Result<()> {
        let client = Session::open_with(&self.url, "bridge sweep", STATEMENT_LIMIT).await?;
        // A group that reads no topic can have offsets from an earlier release. They must not keep records.
        let readers = GROUPS.iter().filter(|group| !group.topics.is_empty());
        let groups: Vec<&str> = readers.map(|group| group.name).collect();
        if !client.query_one(LOCK, &[]).await?.get::<_, bool>(0) {
            return Ok(());
        }
        while self.count(
            "log_records",
            client
                .execute(include_str!("sweep/log_records.sql"), &[&BATCH, &groups])
                .await?,
        ) {}
        for table in [
            "idempotency_keys",
            "refresh_tokens",
            "tasks",
            "jobs",
            "deliveries",
            "notifications",
            "old_values",
            "sync_operations",
            "conflicts",
            "live_tickets",
        ] {
            while self.count(table, expired(&client, table).await?) {}
        }
        self.count(
            "rate_limits",
            client
                .execute(include_str!("sweep/rate_limits.sql"), &[])
                .await?,
        );
        if audit_maintained.is_none_or(|at| at.elapsed() >= AUDIT_INTERVAL) {
            client
                .execute(include_str!("sweep/audit_trail.sql"), &[])
                .await?;
            *audit_maintained = Some(Instant::now());
        }
        self.count(
            "dead_letters_handled",
            client
                .execute(include_str!("sweep/dead_letters_handled.sql"), &[])
                .await?,
        );
        Ok(())
    }

    /// Adds removed rows to the metric; true if the batch was full, so that there may be more.
    fn count(&self, table: &str, rows: u64) -> bool {
        self.metrics.swept.with_label_values(&[table]).inc_by(rows);
        rows >= BATCH.unsigned_abs()
    }
}

/// Removes a batch of expired rows of a table that the role of the bridge may not read.
async fn expired(client: &Session, table: &str) -> anyhow::Result<u64> {
    let row = client
        .query_one(include_str!("sweep/expired.sql"), &[&table, &BATCH])
        .await?;
    Ok(u64::try_from(row.get::<_, i64>(0))?)
}

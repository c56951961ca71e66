//! Checks every 2 s whether Postgres and the event log answer, and measures the outbox and the lag of each group.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::Secret;
use crate::health::Health;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::postgres::Session;
use crate::topics;

const INTERVAL: Duration = Duration::from_secs(2);
/// A check that takes longer counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);
/// The oldest outbox row may be this old, in seconds, before a warning is logged.
const MAX_OUTBOX_AGE: f64 = 60.0;

/// The periodic checks of a running bridge.
pub struct Monitor {
    pub url: Secret,
    pub log: Arc<dyn Log>,
    pub metrics: Metrics,
    pub health: Health,
    pub stop: CancellationToken,
}

impl Monitor {
    /// Checks until `stop` is cancelled. A failed check is reported to [`Health`] and ends nothing.
    pub async fn run(self) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut session = None;
        while self.stop.run_until_cancelled(ticks.tick()).await.is_some() {
            match timeout(CHECK_TIMEOUT, self.check_outbox(&mut session)).await {
                Ok(Ok(())) => self.health.up("postgres"),
                Ok(Err(error)) => {
                    session = None;
                    self.health.down("postgres", format!("{error:#}"));
                }
                Err(_) => {
                    session = None;
                    self.health.down("postgres", no_answer());
                }
            }
            match timeout(CHECK_TIMEOUT, self.check_log()).await {
                Ok(Ok(())) => self.health.up("log"),
                Ok(Err(error)) => self.health.down("log", format!("{error:#}")),
                Err(_) => self.health.down("log", no_answer()),
            }
        }
    }

    /// Measures the outbox, through a connection that is kept between checks.
    async fn check_outbox(&self, session: &mut Option<Session>) -> anyhow::Result<()> {
        let client = match session {
            Some(client) => client,
            None => session.insert(Session::open(&self.url, "bridge monitor").await?),
        };
        let topics: Vec<String> = topics::all().into_iter().map(|(topic, _)| topic).collect();
        let row = client
            .query_one(include_str!("monitor/outbox.sql"), &[&topics])
            .await?;
        let (rows, age, unknown, quarantined): (i64, f64, i64, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        self.metrics.outbox_rows.set(rows);
        self.metrics.outbox_age_seconds.set(age);
        self.metrics.unknown_topic_rows.set(unknown);
        self.metrics.quarantined.set(quarantined);
        if unknown > 0 {
            warn!(
                rows = unknown,
                "outbox rows wait for a newer bridge: this one does not know their topics"
            );
        }
        if age > MAX_OUTBOX_AGE {
            warn!(rows, age_seconds = age, "the outbox does not drain");
        }
        Ok(())
    }

    async fn check_log(&self) -> anyhow::Result<()> {
        self.log.ready().await?;
        for group in topics::GROUPS {
            for (partition, lag) in self.log.lag(group).await? {
                let labels = &[group.name, &*partition.topic, &partition.number.to_string()];
                self.metrics.lag_records.with_label_values(labels).set(lag);
            }
        }
        Ok(())
    }
}

fn no_answer() -> String {
    format!("no answer within {} s", CHECK_TIMEOUT.as_secs())
}

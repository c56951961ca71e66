//! Looks at what no part sees by itself: Postgres, the log, the outbox and each group's lag.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::Secret;
use crate::health::Health;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::{postgres, topics};

const LOOK: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Watch {
    pub url: Secret,
    pub log: Arc<dyn Log>,
    pub metrics: Metrics,
    pub health: Health,
    pub stop: CancellationToken,
}

impl Watch {
    pub async fn run(self) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut session = None;
        while self.stop.run_until_cancelled(look.tick()).await.is_some() {
            match timeout(PATIENCE, self.outbox(&mut session)).await {
                Ok(Ok(())) => self.health.up("postgres"),
                Ok(Err(error)) => {
                    session = None;
                    self.health.down("postgres", format!("{error:#}"));
                }
                Err(_) => self.health.down("postgres", "no answer"),
            }
            match timeout(PATIENCE, self.lag()).await {
                Ok(Ok(())) => self.health.up("log"),
                Ok(Err(error)) => self.health.down("log", format!("{error:#}")),
                Err(_) => self.health.down("log", "no answer"),
            }
        }
    }

    async fn outbox(&self, session: &mut Option<Client>) -> anyhow::Result<()> {
        let client = match session {
            Some(client) => client,
            None => session.insert(postgres::connect(&self.url, "bridge watch").await?),
        };
        let row = client
            .query_one(include_str!("watch/outbox.sql"), &[])
            .await?;
        let (rows, age): (i64, f64) = (row.get(0), row.get(1));
        self.metrics.outbox_rows.set(rows);
        self.metrics.outbox_age_seconds.set(age);
        if age > 60.0 {
            warn!(rows, age_seconds = age, "the outbox does not drain");
        }
        Ok(())
    }

    async fn lag(&self) -> anyhow::Result<()> {
        self.log.ready().await?;
        for group in topics::GROUPS {
            for (partition, behind) in self.log.lag(group).await? {
                let labels = &[group.name, &*partition.topic, &partition.number.to_string()];
                self.metrics
                    .lag_records
                    .with_label_values(labels)
                    .set(behind);
            }
        }
        Ok(())
    }
}

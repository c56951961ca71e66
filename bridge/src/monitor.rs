//! Checks every 2 s whether Postgres and the event log answer, and measures the outbox. Measures the lag of each group and the
//! dead letters less often.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::Secret;
use crate::groups::GROUPS;
use crate::health::Health;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::postgres::Session;
use crate::topics::{self, TOPICS, dead_letters_of};

const INTERVAL: Duration = Duration::from_secs(2);
/// How often the lag of the groups is measured, and how often the dead letters are counted: both cost the log some requests.
const LAG_INTERVAL: Duration = Duration::from_secs(10);
const DEAD_LETTER_INTERVAL: Duration = Duration::from_secs(30);
/// How often the messages of reminders are counted.
const MESSAGE_INTERVAL: Duration = Duration::from_secs(10);
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
        let (mut lag_measured, mut messages_counted, mut dead_letters_counted) = (None, None, None);
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
            match timeout(CHECK_TIMEOUT, self.log.ready()).await {
                Ok(Ok(())) => {
                    self.health.up("log");
                    self.metrics.lags.log_answered();
                }
                Ok(Err(error)) => self.health.down("log", format!("{error:#}")),
                Err(_) => self.health.down("log", no_answer()),
            }
            if is_due(lag_measured, LAG_INTERVAL)
                && let Ok(Ok(())) = timeout(CHECK_TIMEOUT, self.measure_lag()).await
            {
                lag_measured = Some(Instant::now());
            }
            if is_due(messages_counted, MESSAGE_INTERVAL)
                && let Some(client) = &session
                && let Ok(Ok(())) = timeout(CHECK_TIMEOUT, self.count_messages(client)).await
            {
                messages_counted = Some(Instant::now());
            }
            if is_due(dead_letters_counted, DEAD_LETTER_INTERVAL)
                && let Some(client) = &session
                && let Ok(Ok(())) = timeout(CHECK_TIMEOUT, self.count_dead_letters(client)).await
            {
                dead_letters_counted = Some(Instant::now());
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

    /// Counts the dead letters that are still in the log and that nobody has replayed or discarded.
    async fn count_dead_letters(&self, client: &Session) -> anyhow::Result<()> {
        let topics: Vec<String> = TOPICS
            .iter()
            .map(|topic| dead_letters_of(topic.name))
            .collect();
        let extents = self.log.extents(&topics).await?;
        let names: Vec<&str> = extents.iter().map(|(p, _)| &*p.topic).collect();
        let numbers: Vec<i32> = extents.iter().map(|(p, _)| p.number).collect();
        let starts: Vec<i64> = extents.iter().map(|(_, extent)| extent.start).collect();
        let rows = client
            .query(
                include_str!("monitor/handled.sql"),
                &[&names, &numbers, &starts],
            )
            .await?;
        for topic in &topics {
            let in_log = extents.iter().filter(|(p, _)| *p.topic == **topic);
            let in_log: i64 = in_log.map(|(_, extent)| extent.end - extent.start).sum();
            let handled = rows.iter().find(|row| row.get::<_, &str>(0) == topic);
            let handled: i64 = handled.map_or(0, |row| row.get(1));
            let open = &self.metrics.dead_letters_open;
            open.with_label_values(&[topic.as_str()])
                .set(in_log - handled);
        }
        Ok(())
    }

    /// Counts the messages of reminders by what becomes of them.
    async fn count_messages(&self, client: &Session) -> anyhow::Result<()> {
        let statement = include_str!("monitor/deliveries.sql");
        for row in client.query(statement, &[]).await? {
            let channel: &str = row.get(0);
            for (state, column) in [("due", 1), ("later", 2), ("failed", 3)] {
                let count = self.metrics.messages.with_label_values(&[channel, state]);
                count.set(row.get(column));
            }
            let age = &self.metrics.message_age_seconds;
            age.with_label_values(&[channel]).set(row.get(4));
        }
        Ok(())
    }

    async fn measure_lag(&self) -> anyhow::Result<()> {
        for group in GROUPS.iter().filter(|group| !group.topics.is_empty()) {
            for (partition, lag) in self.log.lag(group).await? {
                let labels = &[group.name, &*partition.topic, &partition.number.to_string()];
                self.metrics.lag_records.with_label_values(labels).set(lag);
            }
        }
        Ok(())
    }
}

fn is_due(last: Option<Instant>, interval: Duration) -> bool {
    last.is_none_or(|at| at.elapsed() >= interval)
}

fn no_answer() -> String {
    format!("no answer within {} s", CHECK_TIMEOUT.as_secs())
}

//! The metrics that `/metrics` exposes in Prometheus' text format, each with the prefix `spindle_`.
//!
//! Names follow Prometheus' conventions: base units, `_total` for counters, `_duration_seconds` for times that were measured.

mod lags;
mod live;

use std::sync::Arc;
use std::time::SystemTime;

use prometheus::{
    Encoder, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use self::lags::Lags;
use self::live::Live;
use crate::groups::GROUPS;
use crate::topics::{TOPICS, dead_letters_of};

/// Why an event is delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The agent asked for it, or rejected the event.
    Agent,
    /// Something that the event needs is away, the agent says.
    Later,
    /// The agent cannot work now.
    Unwell,
    /// The agent did not answer the frame, but went on.
    Unanswered,
    /// The lane was gone or deaf, or Redis was away: no event is to blame.
    Away,
}

impl Cause {
    pub const ALL: &[Self] = &[
        Self::Agent,
        Self::Later,
        Self::Unwell,
        Self::Unanswered,
        Self::Away,
    ];

    /// The value of the label `cause`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Agent => "retry",
            Self::Later => "later",
            Self::Unwell => "unwell",
            Self::Unanswered => "died",
            Self::Away => "away",
        }
    }
}

/// The metrics of this process. Clones share the same values.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Collectors>);

/// The metrics by name; `Metrics::new` describes each.
#[derive(Debug)]
pub struct Collectors {
    registry: Registry,
    pub lags: Lags,
    pub outbox_rows: IntGauge,
    pub outbox_age_seconds: prometheus::Gauge,
    pub relayed: IntCounter,
    pub relay_duration: Histogram,
    pub relay_errors: IntCounter,
    pub shards: IntGauge,
    /// Label: topic.
    pub refused: IntCounterVec,
    /// Label: kind (`user` or `topic`).
    pub held: IntGaugeVec,
    pub quarantined: IntGauge,
    pub unknown_topic_rows: IntGauge,
    pub cut_off: IntCounter,
    /// Labels: group, topic.
    pub missed: IntCounterVec,
    /// Labels: group, topic, partition.
    pub lag_records: IntGaugeVec,
    // The metrics from here on have the label `group`, unless others are named.
    lag_seconds: GaugeVec,
    pub partitions: IntGaugeVec,
    pub rebalances: IntCounterVec,
    pub buffered: IntGaugeVec,
    pub buffered_bytes: IntGaugeVec,
    pub in_flight: IntGaugeVec,
    pub lanes: IntGaugeVec,
    /// Labels: group, state.
    pub unfit_lanes: IntGaugeVec,
    pub shared_messages: IntCounterVec,
    pub paused_partitions: IntGaugeVec,
    pub answer_duration: HistogramVec,
    pub frames: IntCounterVec,
    pub settled: IntCounterVec,
    /// Labels: group, cause.
    pub redelivered: IntCounterVec,
    /// Labels: group, topic.
    pub dead_letters: IntCounterVec,
    /// Label: topic.
    pub dead_letters_open: IntGaugeVec,
    /// Labels: channel, state.
    pub messages: IntGaugeVec,
    /// Label: channel.
    pub message_age_seconds: GaugeVec,
    pub ticks: IntCounterVec,
    /// Label: table.
    pub swept: IntCounterVec,
    pub job_failures: IntCounter,
    pub live: Live,
}

impl std::ops::Deref for Metrics {
    type Target = Collectors;

    fn deref(&self) -> &Collectors {
        &self.0
    }
}

impl Metrics {
    /// Registers every metric in a registry of its own.
    ///
    /// # Errors
    /// When two metrics have the same name.
    pub fn new() -> prometheus::Result<Self> {
        let r = Registry::new_custom(Some("spindle".to_owned()), None)?;
        let latency = |name: &str, help: &str| {
            HistogramOpts::new(name, help).buckets(vec![
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
            ])
        };
        macro_rules! add {
            ($metric:expr) => {{
                let metric = $metric?;
                r.register(Box::new(metric.clone()))?;
                metric
            }};
        }
        let group = &["group"];
        let metrics = Self(Arc::new(Collectors {
            lags: Lags::default(),
            outbox_rows: add!(IntGauge::new(
                "outbox_rows",
                "Rows in the outbox, counted up to 100000"
            )),
            outbox_age_seconds: add!(prometheus::Gauge::new(
                "outbox_age_seconds",
                "Age of the oldest outbox row in seconds"
            )),
            relayed: add!(IntCounter::new(
                "relay_events_total",
                "Events moved from the outbox to the log"
            )),
            relay_duration: add!(Histogram::with_opts(latency(
                "relay_batch_duration_seconds",
                "Time to move one batch from the outbox to the log, in seconds"
            ))),
            relay_errors: add!(IntCounter::new(
                "relay_errors_total",
                "Times that the relay failed and tried again"
            )),
            shards: add!(IntGauge::new(
                "relay_shards",
                "Outbox shards that this bridge relays"
            )),
            refused: add!(IntCounterVec::new(
                Opts::new(
                    "relay_refusals_total",
                    "Times that the log refused a row for a reason in the row or its topic"
                ),
                &["topic"]
            )),
            held: add!(IntGaugeVec::new(
                Opts::new(
                    "relay_held",
                    "Users and topics whose outbox rows wait because the log refused one"
                ),
                &["kind"]
            )),
            quarantined: add!(IntGauge::new(
                "quarantined_rows",
                "Outbox rows in quarantine, because the log refuses them"
            )),
            unknown_topic_rows: add!(IntGauge::new(
                "outbox_unknown_topic_rows",
                "Outbox rows, among the first 100000, for topics that this bridge does not know"
            )),
            cut_off: add!(IntCounter::new(
                "relay_cut_off_total",
                "Times that the relay gave up its shards because the log acknowledged nothing"
            )),
            missed: add!(IntCounterVec::new(
                Opts::new(
                    "missed_records_total",
                    "Records that the log removed before the group had settled them"
                ),
                &["group", "topic"]
            )),
            lag_records: add!(IntGaugeVec::new(
                Opts::new("lag_records", "Records that a group has not settled yet"),
                &["group", "topic", "partition"]
            )),
            lag_seconds: add!(GaugeVec::new(
                Opts::new(
                    "lag_seconds",
                    "Age of the group's oldest record that is not settled, in seconds; 0 if all are settled. While the log does \
                     not answer, at least the time since its last answer"
                ),
                group
            )),
            partitions: add!(IntGaugeVec::new(
                Opts::new(
                    "assigned_partitions",
                    "Partitions that are assigned to this bridge"
                ),
                group
            )),
            rebalances: add!(IntCounterVec::new(
                Opts::new(
                    "rebalances_total",
                    "Times that partitions were assigned to this bridge or revoked from it"
                ),
                group
            )),
            buffered: add!(IntGaugeVec::new(
                Opts::new(
                    "buffered_events",
                    "Events read from the log and not settled yet"
                ),
                group
            )),
            buffered_bytes: add!(IntGaugeVec::new(
                Opts::new(
                    "buffered_bytes",
                    "Bytes of the events read from the log and not settled yet"
                ),
                group
            )),
            in_flight: add!(IntGaugeVec::new(
                Opts::new(
                    "frames_in_flight",
                    "Frames of events sent and not answered yet"
                ),
                group
            )),
            lanes: add!(IntGaugeVec::new(
                Opts::new("lanes", "Lanes whose agent responds and can work"),
                group
            )),
            unfit_lanes: add!(IntGaugeVec::new(
                Opts::new(
                    "unfit_lanes",
                    "Lanes without new work, by state: sick (the agent says that it cannot work), deaf (it owes an answer), \
                     shared (several processes subscribe)"
                ),
                &["group", "state"]
            )),
            shared_messages: add!(IntCounterVec::new(
                Opts::new(
                    "shared_messages_total",
                    "Messages to lanes that more than one process received"
                ),
                group
            )),
            paused_partitions: add!(IntGaugeVec::new(
                Opts::new(
                    "paused_partitions",
                    "Partitions without new work, because one of their dead letters cannot be written"
                ),
                group
            )),
            answer_duration: add!(HistogramVec::new(
                latency(
                    "answer_duration_seconds",
                    "Time from sending a frame of events to its answer, in seconds"
                ),
                group
            )),
            frames: add!(IntCounterVec::new(
                Opts::new("frames_total", "Frames of events sent, repeats included"),
                group
            )),
            settled: add!(IntCounterVec::new(
                Opts::new("settled_events_total", "Events that an agent has processed"),
                group
            )),
            redelivered: add!(IntCounterVec::new(
                Opts::new(
                    "redelivered_events_total",
                    "Events that are delivered again, by cause"
                ),
                &["group", "cause"]
            )),
            dead_letters: add!(IntCounterVec::new(
                Opts::new("dead_letters_total", "Events that became dead letters"),
                &["group", "topic"]
            )),
            dead_letters_open: add!(IntGaugeVec::new(
                Opts::new(
                    "open_dead_letters",
                    "Dead letters in the log that nobody has replayed or discarded"
                ),
                &["topic"]
            )),
            messages: add!(IntGaugeVec::new(
                Opts::new(
                    "reminder_messages",
                    "Messages of reminders by email and push: due, later (being sent, to be tried again, or held back by quiet hours), and failed within the last hour; counted up to 100000"
                ),
                &["channel", "state"]
            )),
            message_age_seconds: add!(GaugeVec::new(
                Opts::new(
                    "reminder_message_age_seconds",
                    "How long the oldest message that is due has waited"
                ),
                &["channel"]
            )),
            ticks: add!(IntCounterVec::new(
                Opts::new("ticks_total", "Ticks sent to the agent"),
                group
            )),
            swept: add!(IntCounterVec::new(
                Opts::new("swept_rows_total", "Expired rows that were removed"),
                &["table"]
            )),
            job_failures: add!(IntCounter::new(
                "job_step_failures_total",
                "Steps of jobs that failed and are repeated"
            )),
            live: Live::new(&r)?,
            registry: r,
        }));
        metrics.begin();
        Ok(metrics)
    }

    /// Makes every counter whose labels are known start at 0, so that its first increase is seen.
    fn begin(&self) {
        for group in GROUPS {
            let group_only = &[group.name];
            for counter in [
                &self.rebalances,
                &self.shared_messages,
                &self.frames,
                &self.settled,
                &self.ticks,
            ] {
                counter.with_label_values(group_only);
            }
            self.answer_duration.with_label_values(group_only);
            for cause in Cause::ALL {
                let labels = &[group.name, cause.label()];
                self.redelivered.with_label_values(labels);
            }
            for topic in group.topics {
                self.missed.with_label_values(&[group.name, topic]);
                self.dead_letters.with_label_values(&[group.name, topic]);
            }
        }
        for topic in TOPICS {
            let dead_letters = dead_letters_of(topic.name);
            for topic in [topic.name, dead_letters.as_str()] {
                self.refused.with_label_values(&[topic]);
            }
        }
    }

    /// All metrics in the text exposition format.
    ///
    /// # Errors
    /// When a metric cannot be encoded.
    pub fn text(&self) -> prometheus::Result<Vec<u8>> {
        for (group, seconds) in self.lags.seconds(SystemTime::now()) {
            self.lag_seconds.with_label_values(&[group]).set(seconds);
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.registry.gather(), &mut text)?;
        Ok(text)
    }
}

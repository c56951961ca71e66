//! What `/metrics` shows, in Prometheus' text format.

use std::sync::Arc;

use prometheus::{
    Encoder, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Every number the bridge counts.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Numbers>);

#[derive(Debug)]
pub struct Numbers {
    registry: Registry,
    pub outbox_rows: IntGauge,
    pub outbox_age_seconds: prometheus::Gauge,
    pub relayed: IntCounter,
    pub relay_seconds: Histogram,
    pub shards: IntGauge,
    /// By group, topic and partition.
    pub lag_records: IntGaugeVec,
    /// By group.
    pub lag_seconds: GaugeVec,
    pub partitions: IntGaugeVec,
    pub buffered: IntGaugeVec,
    pub in_flight: IntGaugeVec,
    pub lanes: IntGaugeVec,
    pub answer_seconds: HistogramVec,
    pub frames: IntCounterVec,
    pub settled: IntCounterVec,
    /// By group and cause.
    pub redelivered: IntCounterVec,
    pub dead_letters: IntCounterVec,
    pub swept: IntCounterVec,
}

impl std::ops::Deref for Metrics {
    type Target = Numbers;

    fn deref(&self) -> &Numbers {
        &self.0
    }
}

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let r = Registry::new_custom(Some("spindle".to_owned()), None)?;
        let latency = |name: &str, help: &str| {
            HistogramOpts::new(name, help).buckets(vec![
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
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
        Ok(Self(Arc::new(Numbers {
            outbox_rows: add!(IntGauge::new(
                "outbox_rows",
                "Rows in the outbox, counted up to 100000"
            )),
            outbox_age_seconds: add!(prometheus::Gauge::new(
                "outbox_age_seconds",
                "Age of the oldest outbox row"
            )),
            relayed: add!(IntCounter::new(
                "relayed_total",
                "Events moved from the outbox to the log"
            )),
            relay_seconds: add!(Histogram::with_opts(latency(
                "relay_seconds",
                "Time to move one batch"
            ))),
            shards: add!(IntGauge::new(
                "relay_shards",
                "Outbox shards that this bridge relays"
            )),
            lag_records: add!(IntGaugeVec::new(
                Opts::new("lag_records", "Records that a group has yet to settle"),
                &["group", "topic", "partition"]
            )),
            lag_seconds: add!(GaugeVec::new(
                Opts::new("lag_seconds", "Age of the oldest record held for a group"),
                group
            )),
            partitions: add!(IntGaugeVec::new(
                Opts::new("partitions", "Partitions that this bridge reads"),
                group
            )),
            buffered: add!(IntGaugeVec::new(
                Opts::new("buffered_events", "Events held in memory"),
                group
            )),
            in_flight: add!(IntGaugeVec::new(
                Opts::new("frames_in_flight", "Frames sent and not settled"),
                group
            )),
            lanes: add!(IntGaugeVec::new(
                Opts::new("lanes", "Lanes whose agent answers"),
                group
            )),
            answer_seconds: add!(HistogramVec::new(
                latency("answer_seconds", "From sending a frame to its answer"),
                group
            )),
            frames: add!(IntCounterVec::new(
                Opts::new("frames_total", "Frames of events sent"),
                group
            )),
            settled: add!(IntCounterVec::new(
                Opts::new("settled_total", "Events settled"),
                group
            )),
            redelivered: add!(IntCounterVec::new(
                Opts::new("redelivered_total", "Events that go to an agent again"),
                &["group", "cause"]
            )),
            dead_letters: add!(IntCounterVec::new(
                Opts::new("dead_letters_total", "Events that became dead letters"),
                &["group", "topic"]
            )),
            swept: add!(IntCounterVec::new(
                Opts::new("swept_total", "Rows removed when their time was over"),
                &["table"]
            )),
            registry: r,
        })))
    }

    /// The text that Prometheus reads.
    pub fn text(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.registry.gather(), &mut text)?;
        Ok(text)
    }
}

//! The metrics of live connections.

use prometheus::{IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

/// What the gateway counts.
#[derive(Debug)]
pub struct Live {
    /// Label: kind (`websocket` or `events`).
    connections: IntGaugeVec,
    pub messages: IntCounter,
    pub resyncs: IntCounter,
    pub slow: IntCounter,
    pub ring_bytes: IntGauge,
}

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub struct Counted(IntGauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Live {
    /// # Errors
    /// When the registry has a metric with one of the names.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let live = Self {
            connections: IntGaugeVec::new(
                Opts::new("live_connections", "Live connections, by kind"),
                &["kind"],
            )?,
            messages: IntCounter::new(
                "live_messages_total",
                "Messages about changes that were queued for a live connection",
            )?,
            resyncs: IntCounter::new(
                "live_resyncs_total",
                "Times that a live client was told to compare its number",
            )?,
            slow: IntCounter::new(
                "live_slow_clients_total",
                "Live connections that were closed because their clients read too slowly",
            )?,
            ring_bytes: IntGauge::new(
                "live_ring_bytes",
                "Bytes of the messages that are kept for clients to resume from",
            )?,
        };
        registry.register(Box::new(live.connections.clone()))?;
        registry.register(Box::new(live.messages.clone()))?;
        registry.register(Box::new(live.resyncs.clone()))?;
        registry.register(Box::new(live.slow.clone()))?;
        registry.register(Box::new(live.ring_bytes.clone()))?;
        for kind in ["websocket", "events"] {
            live.connections.with_label_values(&[kind]);
        }
        Ok(live)
    }

    /// Counts a connection of this kind.
    pub fn counted(&self, kind: &str) -> Counted {
        let gauge = self.connections.with_label_values(&[kind]);
        gauge.inc();
        Counted(gauge)
    }
}

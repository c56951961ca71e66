//! How long an agent may take to answer a frame, learned from how long recent answers took.

use std::collections::VecDeque;
use std::time::Duration;

/// The shortest ack timeout.
pub const MIN_ACK_TIMEOUT: Duration = Duration::from_millis(500);
/// The longest ack timeout.
pub const MAX_ACK_TIMEOUT: Duration = Duration::from_secs(10);
/// How many recent answers count.
const SAMPLES: usize = 512;

#[derive(Debug)]
pub struct AckTimeout {
    latencies: VecDeque<Duration>,
    current: Duration,
}

impl Default for AckTimeout {
    fn default() -> Self {
        Self {
            latencies: VecDeque::new(),
            current: MIN_ACK_TIMEOUT,
        }
    }
}

impl AckTimeout {
    pub fn current(&self) -> Duration {
        self.current
    }

    /// Remembers how long an answer took.
    pub fn record(&mut self, latency: Duration) {
        self.latencies.push_back(latency);
        if self.latencies.len() > SAMPLES {
            self.latencies.pop_front();
        }
    }

    /// Sets the timeout to five times the 99th percentile of the recent latencies, within its bounds.
    pub fn update(&mut self) {
        let mut latencies: Vec<Duration> = self.latencies.iter().copied().collect();
        latencies.sort_unstable();
        let p99 = latencies
            .get(latencies.len() * 99 / 100)
            .copied()
            .unwrap_or_default();
        self.current = (p99 * 5).clamp(MIN_ACK_TIMEOUT, MAX_ACK_TIMEOUT);
    }
}

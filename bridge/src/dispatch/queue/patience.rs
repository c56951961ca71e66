//! How long an agent may take to answer a frame, learned from how long recent answers took.
//!
//! A frame whose lane has answered a later message was skipped, because a lane is serial. Patience is the margin before that
//! counts against the events: while a process takes over a lane from another, both answer for a moment.

use std::collections::VecDeque;
use std::time::Duration;

/// How many recent answers count.
const SAMPLES: usize = 512;

#[derive(Debug)]
pub struct Patience {
    latencies: VecDeque<Duration>,
    current: Duration,
    shortest: Duration,
    longest: Duration,
}

impl Patience {
    pub fn new((shortest, longest): (Duration, Duration)) -> Self {
        Self {
            latencies: VecDeque::new(),
            current: shortest,
            shortest,
            longest,
        }
    }

    pub fn current(&self) -> Duration {
        self.current
    }

    /// Remembers how long an answer took. Late answers count too: they tell most about a slow agent.
    pub fn record(&mut self, latency: Duration) {
        self.latencies.push_back(latency);
        if self.latencies.len() > SAMPLES {
            self.latencies.pop_front();
        }
    }

    /// Sets the patience to five times the 99th percentile of the recent latencies, within its bounds.
    pub fn update(&mut self) {
        let mut latencies: Vec<Duration> = self.latencies.iter().copied().collect();
        latencies.sort_unstable();
        let p99 = latencies
            .get(latencies.len() * 99 / 100)
            .copied()
            .unwrap_or_default();
        self.current = (p99 * 5).clamp(self.shortest, self.longest);
    }
}

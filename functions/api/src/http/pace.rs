//! How slow a client may be while it sends a body or takes a response. Until then it occupies an instance of the function, and a
//! process of Spin has 1,000 of them.

use std::time::{Duration, Instant};

use wasi::clocks::monotonic_clock;
use wasi::io::poll::{Pollable, poll};

/// The bytes per second that a client must move on average, after its first seconds.
const BYTES_PER_SECOND: f64 = 8192.0;

/// The time that a client may still make the function wait. Waiting uses it up, and bytes restore it up to what it was at first.
/// So bytes that buffers took at once do not pay for a long pause.
pub struct Pace {
    left: Duration,
    /// The longest pause of the client.
    grace: Duration,
    /// What is left of all its pauses together.
    total: Duration,
}

impl Pace {
    fn new(grace: Duration, total: Duration) -> Self {
        Self {
            left: grace,
            grace,
            total,
        }
    }

    /// The pace of a request's body: 10 s for the first byte, two minutes for the whole.
    pub fn of_body() -> Self {
        Self::new(Duration::from_secs(10), Duration::from_secs(120))
    }

    /// The pace of a response, which may be an export of any length.
    pub fn of_response() -> Self {
        Self::new(Duration::from_secs(30), Duration::MAX)
    }

    /// Waits until the client has moved. Returns false if it is too slow.
    pub fn wait(&mut self, client: &Pollable) -> bool {
        let nanoseconds = self.left.min(self.total).as_nanos();
        let timeout =
            monotonic_clock::subscribe_duration(nanoseconds.try_into().unwrap_or(u64::MAX));
        let started = Instant::now();
        let moved = poll(&[client, &timeout]).contains(&0);
        self.waited(started.elapsed());
        moved
    }

    fn waited(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
        self.total = self.total.saturating_sub(time);
    }

    /// Counts bytes that the client has moved.
    pub fn moved(&mut self, bytes: usize) {
        let earned = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND);
        self.left = (self.left + earned).min(self.grace);
    }
}

/// Waits.
pub fn pause(time: Duration) {
    let nanoseconds = time.as_nanos().try_into().unwrap_or(u64::MAX);
    monotonic_clock::subscribe_duration(nanoseconds).block();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_earns_time_by_its_bytes() {
        let seconds = Duration::from_secs;
        let mut pace = Pace::of_body();
        pace.moved(8192 * 1000);
        assert_eq!(pace.left, seconds(10));
        pace.waited(seconds(9));
        pace.moved(1);
        assert!(pace.left < seconds(2));
        pace.moved(8192 * 5);
        assert_eq!(pace.left.as_secs(), 6);
        for _ in 0..20 {
            pace.waited(seconds(6));
            pace.moved(8192 * 6);
        }
        assert_eq!(pace.total, Duration::ZERO);
    }

    #[test]
    fn a_byte_a_minute_is_too_slow() {
        for mut pace in [Pace::of_body(), Pace::of_response()] {
            pace.moved(1);
            pace.waited(Duration::from_secs(60));
            pace.moved(1);
            assert!(pace.left < Duration::from_millis(1));
        }
    }
}

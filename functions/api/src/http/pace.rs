//! How slow a client may be while it sends a body or takes a response. Until then it occupies an instance of the function, and a
//! process of Spin has 1,000 of them.

use std::time::{Duration, Instant};

use wasi::clocks::monotonic_clock;
use wasi::io::poll::{Pollable, poll};

/// The bytes per second that a client must move on average, after its first seconds.
const BYTES_PER_SECOND: f64 = 8192.0;

/// The time that a client has made the function wait, and the time that it may.
pub struct Pace {
    /// The waiting time of a client that moves nothing.
    grace: Duration,
    /// The waiting time of any client.
    longest: Duration,
    waited: Duration,
    bytes: usize,
}

impl Pace {
    fn new(grace: Duration, longest: Duration) -> Self {
        Self {
            grace,
            longest,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// The pace of a request's body: 10 s for the first byte, two minutes for the whole.
    pub fn of_body() -> Self {
        Self::new(Duration::from_secs(10), Duration::from_secs(120))
    }

    /// The pace of a response, which may be an export of any length. The host and the connection buffer its first part.
    pub fn of_response() -> Self {
        Self::new(Duration::from_secs(30), Duration::MAX)
    }

    /// Waits until the client has moved. Returns false if it is too slow.
    pub fn wait(&mut self, client: &Pollable) -> bool {
        let nanoseconds = self.left().as_nanos().try_into().unwrap_or(u64::MAX);
        let timeout = monotonic_clock::subscribe_duration(nanoseconds);
        let started = Instant::now();
        let moved = poll(&[client, &timeout]).contains(&0);
        self.waited += started.elapsed();
        moved
    }

    /// Counts bytes that the client has moved.
    pub fn moved(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// The time that the client may still make the function wait.
    fn left(&self) -> Duration {
        let earned = Duration::from_secs_f64(self.bytes as f64 / BYTES_PER_SECOND);
        (self.grace + earned)
            .min(self.longest)
            .saturating_sub(self.waited)
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
        let mut pace = Pace::of_body();
        assert_eq!(pace.left(), Duration::from_secs(10));
        pace.moved(1);
        pace.waited = Duration::from_secs(10);
        assert!(pace.left() < Duration::from_millis(1));
        pace.moved(8192 * 5);
        assert_eq!(pace.left().as_secs(), 5);
        pace.moved(8192 * 10_000);
        assert_eq!(pace.left(), Duration::from_secs(110));
        let mut export = Pace::of_response();
        export.moved(8192 * 1000);
        assert_eq!(export.left(), Duration::from_secs(1030));
    }
}

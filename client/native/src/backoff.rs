//! How long a client waits before it sends a request again.

use std::time::Duration;

use rand::Rng;

/// The first wait, and the longest.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);

/// Waits that double with each failure. Each is shorter by chance, by up to a half, so that clients that failed together do not come
/// back together.
#[derive(Clone, Copy, Debug)]
pub struct Backoff(Duration);

impl Backoff {
    pub fn new() -> Self {
        Self(FIRST)
    }

    /// The wait after one more failure.
    pub fn wait(&mut self) -> Duration {
        let longest = self.0;
        self.0 = LONGEST.min(longest * 2);
        longest.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..12).map(|_| backoff.wait()).collect();
        assert!(waits[0] <= FIRST && waits[0] >= FIRST / 2);
        assert!(waits[4] >= FIRST * 8, "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        assert!(waits[11] >= LONGEST / 2);
    }
}

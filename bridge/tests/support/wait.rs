//! Waiting for a condition, with a limit that names what did not happen.

use std::time::{Duration, Instant};

/// Waits for something to be so, and says what was not.
pub async fn eventually(limit: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + limit;
    while !is_so().await {
        assert!(
            Instant::now() < until,
            "after {limit:?} it was still not so that {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

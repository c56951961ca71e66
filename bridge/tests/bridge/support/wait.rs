//! Waiting for a condition, with a time limit and a message that says what did not happen.

use std::time::{Duration, Instant};

/// Checks `condition` every 10 ms until it holds; panics with `what` once `limit` is over.
pub async fn eventually(limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + limit;
    while !condition().await {
        assert!(Instant::now() < until, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

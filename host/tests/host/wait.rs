//! Waits for a condition, with a time limit.

use std::time::{Duration, Instant};

use crate::app::LIMIT;

/// Polls `condition` until it is true. Panics with `what` when that takes longer than [`LIMIT`].
pub async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + LIMIT;
    while !condition().await {
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

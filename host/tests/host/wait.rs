//! Waiting for a condition, with a limit that names what did not happen.

use std::time::{Duration, Instant};

use crate::app::LIMIT;

/// Looks until the answer is yes.
pub async fn until<F: Future<Output = bool>>(what: &str, mut look: impl FnMut() -> F) {
    let limit = Instant::now() + LIMIT;
    while !look().await {
        assert!(Instant::now() < limit, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

//! Polling for a condition, with a limit and an error that names what did not happen.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The pause between two evaluations of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Evaluates `condition` until it returns a value, and returns that. An error counts as "not yet", because the condition is
/// often the end of an outage; the last one is part of the error at the limit.
///
/// # Errors
/// The condition did not hold within `limit`.
pub async fn until<T, F>(what: &str, limit: Duration, mut condition: F) -> Result<T>
where
    F: AsyncFnMut() -> Result<Option<T>>,
{
    let start = Instant::now();
    loop {
        let last = match condition().await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if start.elapsed() > limit {
            match last {
                Some(error) => bail!("not within {limit:?}: {what} ({error:#})"),
                None => bail!("not within {limit:?}: {what}"),
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The backoff of a client before it sends a request again.
pub async fn before_retry() {
    tokio::time::sleep(POLL_INTERVAL).await;
}

/// Lets time pass: the time that a fault lasts, or that a user thinks. It never stands for waiting until something has happened.
pub async fn during(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

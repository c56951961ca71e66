//! Waiting for a condition, with a limit that names what did not happen.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Looks until `condition` gives a value. An error from it counts as "not yet" and is named when the limit is reached,
/// because what is waited for is often the end of an outage.
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
                Some(error) => bail!("within {limit:?} did not happen: {what} ({error:#})"),
                None => bail!("within {limit:?} did not happen: {what}"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What a client does between two tries of the same request.
pub async fn between_tries() {
    tokio::time::sleep(LOOK).await;
}

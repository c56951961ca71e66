//! Outbound HTTP requests with a deadline. The SDK's own client sets no timeout, and Spin's is ten minutes.

mod exchange;
mod target;

use std::time::{Duration, Instant};

pub use exchange::Exchange;
use wasi::clocks::monotonic_clock;
use wasi::http::types::ErrorCode;
use wasi::io::poll::{Pollable, poll};

/// The most bytes of a response that are read.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// A response, whatever its status.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// The header `Retry-After` (RFC 9110, section 10.2.3), as the server wrote it.
    pub retry_after: Option<String>,
    pub body: Vec<u8>,
}

/// The reason why there is no response. The request may have been processed nevertheless.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("`{0}` is not a URL that begins with http:// or https:// and has a host")]
    Url(String),
    #[error("there was no complete response in time")]
    Deadline,
    #[error("the request failed: {0:?}")]
    Failed(ErrorCode),
    #[error("the connection was closed too early")]
    Closed,
    #[error("the response has more than {MAX_BODY} bytes")]
    TooLarge,
    /// The host does not accept the request.
    #[error("the request has an invalid {0}")]
    Invalid(&'static str),
}

/// Waits until one of the requests can advance, or its deadline has passed. Without a request it does not wait.
pub fn wait<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) {
    let (mut ready, mut first): (Vec<Pollable>, Option<Instant>) = (Vec::new(), None);
    for exchange in exchanges {
        ready.push(exchange.ready());
        let deadline = exchange.deadline();
        first = Some(first.map_or(deadline, |first| first.min(deadline)));
    }
    if let Some(first) = first {
        let left = first.saturating_duration_since(Instant::now());
        ready.push(monotonic_clock::subscribe_duration(nanoseconds(left)));
        poll(&ready.iter().collect::<Vec<_>>());
    }
}

fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

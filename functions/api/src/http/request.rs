//! A request as handlers see it. Path and headers are copied from the host once; the body is read when a handler asks.

use std::time::Instant;

use guest::postgres::Db;
use spin_sdk::http::{IncomingRequest, Method};
use wasi::io::streams::StreamError;

use crate::http::pace::Pace;
use crate::http::problem::Problem;
use crate::http::rate::Charge;
use crate::http::trace::Trace;

/// The most bytes that a body may have. The limit is checked while reading, so a longer body is never in memory.
pub const MAX_BODY: usize = 256 * 1024;

/// The most bytes that the body of a batch may have.
pub const MAX_BATCH: usize = 1024 * 1024;

/// The most bytes of a body that is too long that are read and discarded before the response. Most clients read the
/// response only after they have sent the whole body.
const MAX_DISCARDED: usize = 8 * 1024 * 1024;

/// The most bytes that one read asks the host for.
const CHUNK: u64 = 64 * 1024;

/// An HTTP request, and what the response reports about it.
pub struct Request {
    incoming: IncomingRequest,
    pub method: Method,
    path: String,
    /// The query string, without `?` and still encoded.
    pub query: String,
    headers: Vec<(String, Vec<u8>)>,
    pub trace: Trace,
    /// When the request arrived, for the duration in the log.
    pub started: Instant,
    /// The charged rate limits: the values of the response headers `RateLimit-Policy` and `RateLimit`.
    pub rates: Vec<(String, String)>,
    /// What is known about the charge if the request fails and `rates` is empty.
    pub charge: Charge,
}

impl Request {
    pub fn new(incoming: IncomingRequest) -> Self {
        let started = Instant::now();
        let target = incoming.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let headers = incoming.headers().entries();
        let trace = Trace::new(
            single(&headers, "x-correlation-id"),
            single(&headers, "traceparent"),
        );
        Self {
            method: incoming.method(),
            incoming,
            path,
            query,
            headers,
            trace,
            started,
            rates: Vec::new(),
            charge: Charge::Open,
        }
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of a header that is sent once and is UTF-8. `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        single(&self.headers, name)
    }

    /// The values of a header in order, without those that are not UTF-8.
    pub fn all_headers(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
            .collect()
    }

    /// The last of [`Request::all_headers`].
    pub fn last_header(&self, name: &str) -> Option<&str> {
        self.all_headers(name).pop()
    }

    /// Whether the header is sent at all, also if [`Request::header`] refuses its value.
    pub fn has_header(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    }

    /// A connection to Postgres. Take it just before the statement and drop it afterwards: connections are few.
    pub fn db(&self) -> Result<Db, Problem> {
        Ok(Db::open()?)
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// 415 for a body with a `Content-Encoding`; 413 if the body has more than `limit` bytes; 400 if it ends early; 408 if it comes too slowly.
    pub fn read_body(&self, limit: usize) -> Result<Vec<u8>, Problem> {
        if let Some(coding) = self.header("content-encoding")
            && !coding.trim().eq_ignore_ascii_case("identity")
        {
            return Err(Problem::content_encoding());
        }
        let cut_off = || Problem::bad_request("the body could not be read to its end");
        let body = self.incoming.consume().map_err(|()| cut_off())?;
        let stream = body.stream().map_err(|()| cut_off())?;
        let mut pace = Pace::of_body();
        let mut bytes = Vec::new();
        let mut length = 0;
        loop {
            match stream.read(CHUNK) {
                Ok(chunk) if chunk.is_empty() => {
                    if !pace.wait(&stream.subscribe()) {
                        return Err(Problem::slow_body());
                    }
                }
                Ok(chunk) => {
                    pace.moved(chunk.len());
                    length += chunk.len();
                    if length > MAX_DISCARDED {
                        return Err(Problem::too_large(limit));
                    } else if length > limit {
                        // Discards the rest, see `MAX_DISCARDED`.
                        bytes = Vec::new();
                    } else if bytes.is_empty() {
                        bytes = chunk;
                    } else {
                        bytes.extend_from_slice(&chunk);
                    }
                }
                Err(StreamError::Closed) if length > limit => {
                    return Err(Problem::too_large(limit));
                }
                Err(StreamError::Closed) => return Ok(bytes),
                Err(StreamError::LastOperationFailed(_)) => return Err(cut_off()),
            }
        }
    }
}

/// The value of a header that is there once and is UTF-8.
fn single<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a str> {
    let mut values = headers
        .iter()
        .filter(|(header, _)| header.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    if values.next().is_some() {
        return None;
    }
    std::str::from_utf8(value).ok()
}

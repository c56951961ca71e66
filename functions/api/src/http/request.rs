//! A request as handlers see it: its parts taken from the host once, its body only when a handler asks for it.

use std::time::Instant;

use guest::postgres::Db;
use spin_sdk::http::{IncomingRequest, Method};
use wasi::io::streams::StreamError;

use crate::http::problem::Problem;
use crate::http::trace::Trace;

/// The longest body that is read. Checked while reading, so a longer one is never held.
pub const MAX_BODY: usize = 256 * 1024;

/// The same for a batch, which has many bodies in one.
pub const MAX_BATCH: usize = 1024 * 1024;

/// How much of a body that is too long is read and let go before the answer cuts it off.
const DRAINED: usize = 8 * 1024 * 1024;

/// How much is asked of the host at a time.
const CHUNK: u64 = 64 * 1024;

pub struct Request {
    incoming: IncomingRequest,
    pub method: Method,
    path: String,
    /// What follows `?`, still encoded.
    pub query: String,
    headers: Vec<(String, Vec<u8>)>,
    pub trace: Trace,
    pub started: Instant,
    /// What was taken of which rates: policy and limit, as the answer's headers have them.
    pub rates: Vec<(String, String)>,
}

impl Request {
    pub fn new(incoming: IncomingRequest) -> Self {
        let started = Instant::now();
        let target = incoming.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let headers = incoming.headers().entries();
        let mut request = Self {
            method: incoming.method(),
            incoming,
            path,
            query,
            headers,
            trace: Trace::default(),
            started,
            rates: Vec::new(),
        };
        request.trace = Trace::of(&request);
        request
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// A header's value where it is there once and is text; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        if values.next().is_some() {
            return None;
        }
        std::str::from_utf8(value).ok()
    }

    /// The values of a header in order, those that are text.
    pub fn all_headers(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
            .collect()
    }

    /// The last value of a header.
    pub fn last_header(&self, name: &str) -> Option<&str> {
        self.all_headers(name).pop()
    }

    /// Whether the header is there, in whatever state.
    pub fn has_header(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    }

    /// A connection to Postgres. Take it late and hold it for one statement.
    pub fn db(&self) -> Result<Db, Problem> {
        Ok(Db::open()?)
    }

    /// The whole body, up to `limit` bytes.
    pub fn read_body(&self, limit: usize) -> Result<Vec<u8>, Problem> {
        let cut_off = || Problem::bad_request("the body could not be read to its end");
        let body = self.incoming.consume().map_err(|()| cut_off())?;
        let stream = body.stream().map_err(|()| cut_off())?;
        let mut bytes = Vec::new();
        let mut length = 0;
        loop {
            match stream.blocking_read(CHUNK) {
                Ok(chunk) => {
                    length += chunk.len();
                    if length > DRAINED {
                        return Err(Problem::too_large(limit));
                    } else if length > limit {
                        // Most clients look at the answer only once they have sent everything, so a body that is not
                        // much too long is read to its end, and let go.
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

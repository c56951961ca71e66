//! Outbound HTTP requests with a deadline. The SDK's own client sets no timeout, and Spin's is ten minutes.

use std::time::{Duration, Instant};

use wasi::clocks::monotonic_clock;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

/// The most bytes of a response that are read.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// The most bytes that one read asks the host for.
const CHUNK: u64 = 64 * 1024;

/// A response, whatever its status.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
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

/// Sends a POST request and reads the whole response, until `deadline` at the latest.
///
/// # Errors
/// When there is no response by then.
pub fn post(
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    deadline: Instant,
) -> Result<Response, HttpError> {
    // The stream is a part of the body, so it is dropped first.
    let (request, outgoing, stream) = prepare(url, headers, body.len())?;
    let options = RequestOptions::new();
    let left = deadline.saturating_duration_since(Instant::now());
    // The deadline below covers the whole request. This one ends an attempt to connect also on the host's side.
    options
        .set_connect_timeout(Some(nanoseconds(left)))
        .map_err(|()| HttpError::Invalid("timeout"))?;
    let future = outgoing_handler::handle(request, Some(options)).map_err(HttpError::Failed)?;
    let sent = send(&stream, body, deadline);
    drop(stream);
    match sent {
        Ok(()) => OutgoingBody::finish(outgoing, None).map_err(HttpError::Failed)?,
        // The server may have answered without reading the whole body, or the connection failed: the response tells.
        Err(HttpError::Closed) => drop(outgoing),
        Err(error) => return Err(error),
    }
    let response = receive(&future, deadline)?;
    Ok(Response {
        status: response.status(),
        body: read(&response, deadline)?,
    })
}

type Prepared = (OutgoingRequest, OutgoingBody, OutputStream);

fn prepare(url: &str, headers: &[(&str, &str)], length: usize) -> Result<Prepared, HttpError> {
    let target = Target::of(url).ok_or_else(|| HttpError::Url(url.to_owned()))?;
    let length = length.to_string();
    let fields: Vec<(String, Vec<u8>)> = headers
        .iter()
        .chain(&[("content-length", length.as_str())])
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    let fields = Fields::from_list(&fields).map_err(|_| HttpError::Invalid("header"))?;
    let request = OutgoingRequest::new(fields);
    let scheme = match target.is_secure {
        true => Scheme::Https,
        false => Scheme::Http,
    };
    request
        .set_method(&Method::Post)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(target.authority)))
        .and_then(|()| request.set_path_with_query(Some(target.path)))
        .map_err(|()| HttpError::Invalid("URL"))?;
    let body = request.body().map_err(|()| HttpError::Invalid("body"))?;
    let stream = body.write().map_err(|()| HttpError::Invalid("body"))?;
    Ok((request, body, stream))
}

fn send(stream: &OutputStream, mut body: &[u8], deadline: Instant) -> Result<(), HttpError> {
    while !body.is_empty() {
        let room = stream.check_write().map_err(|_| HttpError::Closed)?;
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if room == 0 {
            wait(&stream.subscribe(), deadline)?;
            continue;
        }
        let (now, later) = body.split_at(room.min(body.len()));
        stream.write(now).map_err(|_| HttpError::Closed)?;
        body = later;
    }
    stream.flush().map_err(|_| HttpError::Closed)?;
    wait(&stream.subscribe(), deadline)
}

fn receive(
    future: &FutureIncomingResponse,
    deadline: Instant,
) -> Result<IncomingResponse, HttpError> {
    loop {
        match future.get() {
            Some(Ok(Ok(response))) => return Ok(response),
            Some(Ok(Err(error))) => return Err(HttpError::Failed(error)),
            // It was taken before, which does not happen.
            Some(Err(())) => return Err(HttpError::Closed),
            None => wait(&future.subscribe(), deadline)?,
        }
    }
}

fn read(response: &IncomingResponse, deadline: Instant) -> Result<Vec<u8>, HttpError> {
    let body = response.consume().map_err(|()| HttpError::Closed)?;
    let stream: InputStream = body.stream().map_err(|()| HttpError::Closed)?;
    let mut bytes = Vec::new();
    loop {
        match stream.read(CHUNK) {
            Ok(chunk) if chunk.is_empty() => wait(&stream.subscribe(), deadline)?,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(HttpError::Closed),
        }
        if bytes.len() > MAX_BODY {
            return Err(HttpError::TooLarge);
        }
    }
}

/// Waits until something is ready.
fn wait(ready: &Pollable, deadline: Instant) -> Result<(), HttpError> {
    let left = deadline.saturating_duration_since(Instant::now());
    let timeout = monotonic_clock::subscribe_duration(nanoseconds(left));
    match poll(&[ready, &timeout]).contains(&0) {
        true => Ok(()),
        false => Err(HttpError::Deadline),
    }
}

fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// The parts of a URL.
#[derive(Debug, PartialEq, Eq)]
struct Target<'url> {
    is_secure: bool,
    authority: &'url str,
    path: &'url str,
}

impl<'url> Target<'url> {
    fn of(url: &'url str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let is_secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        (!authority.is_empty()).then_some(Self {
            is_secure,
            authority,
            path: if path.is_empty() { "/" } else { path },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split() {
        let target = |is_secure, authority, path| {
            Some(Target {
                is_secure,
                authority,
                path,
            })
        };
        assert_eq!(
            Target::of("http://127.0.0.1:3000/api/x?y=/"),
            target(false, "127.0.0.1:3000", "/api/x?y=/")
        );
        assert_eq!(Target::of("https://[::1]:8"), target(true, "[::1]:8", "/"));
        for other in ["", "/api", "http:///api", "redis://a/b", "127.0.0.1:3000"] {
            assert_eq!(Target::of(other), None, "{other}");
        }
    }
}

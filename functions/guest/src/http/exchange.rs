//! One request and its response, as steps that do not wait. So one function can have many requests in flight.

use std::mem;
use std::time::Instant;

use wasi::http::outgoing_handler;
use wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasi::io::poll::Pollable;
use wasi::io::streams::{InputStream, OutputStream, StreamError};

use super::target::Target;
use super::{HttpError, MAX_BODY, Response, nanoseconds};

/// The most bytes that one read asks the host for.
const CHUNK: u64 = 64 * 1024;

/// A POST request in flight. Dropping it ends the request.
///
/// The host ends a program that drops a resource before what belongs to it. Fields are dropped in the order of their declaration,
/// so a stream stands before its body.
pub struct Exchange {
    stage: Stage,
    future: FutureIncomingResponse,
    deadline: Instant,
}

enum Stage {
    Send(Sending),
    /// Until the head of the response is there.
    Receive,
    Read(Reading),
    Done,
}

struct Sending {
    stream: OutputStream,
    outgoing: OutgoingBody,
    body: Vec<u8>,
    /// The number of bytes that the host has taken.
    written: usize,
    is_flushed: bool,
}

struct Reading {
    stream: InputStream,
    _body: IncomingBody,
    response: IncomingResponse,
    bytes: Vec<u8>,
}

/// What a step has led to.
enum Step {
    Next(Stage),
    /// The step can do more when [`Exchange::ready`] is.
    Wait(Stage),
    Response(Response),
}

impl Exchange {
    /// Begins to connect. The whole response has to be there at `deadline`.
    ///
    /// # Errors
    /// A request that cannot be sent.
    pub fn start(
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        deadline: Instant,
    ) -> Result<Self, HttpError> {
        let request = prepare(url, headers, body.len())?;
        let outgoing = request.body().map_err(|()| HttpError::Invalid("body"))?;
        let stream = outgoing.write().map_err(|()| HttpError::Invalid("body"))?;
        let options = RequestOptions::new();
        let left = deadline.saturating_duration_since(Instant::now());
        // The deadline covers the whole request. This one ends an attempt to connect also on the host's side.
        options
            .set_connect_timeout(Some(nanoseconds(left)))
            .map_err(|()| HttpError::Invalid("timeout"))?;
        let sending = Sending {
            stream,
            outgoing,
            body,
            written: 0,
            is_flushed: false,
        };
        Ok(Self {
            future: outgoing_handler::handle(request, Some(options)).map_err(HttpError::Failed)?,
            stage: Stage::Send(sending),
            deadline,
        })
    }

    /// Does what it can without waiting. `None` if there is no result yet; [`super::wait`] waits until there is more to do. The result is
    /// given once.
    pub fn advance(&mut self) -> Option<Result<Response, HttpError>> {
        loop {
            let stage = mem::replace(&mut self.stage, Stage::Done);
            match self.step(stage) {
                Ok(Step::Next(stage)) => self.stage = stage,
                Ok(Step::Wait(stage)) if Instant::now() < self.deadline => {
                    self.stage = stage;
                    return None;
                }
                Ok(Step::Wait(_)) => return Some(Err(HttpError::Deadline)),
                Ok(Step::Response(response)) => return Some(Ok(response)),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Waits for the response.
    ///
    /// # Errors
    /// When there is no response until the deadline.
    pub fn finish(mut self) -> Result<Response, HttpError> {
        loop {
            if let Some(result) = self.advance() {
                return result;
            }
            super::wait([&self]);
        }
    }

    /// What the request waits for. It belongs to the request, so it must be dropped before the request advances.
    #[must_use]
    pub fn ready(&self) -> Pollable {
        match &self.stage {
            Stage::Send(sending) => sending.stream.subscribe(),
            Stage::Receive | Stage::Done => self.future.subscribe(),
            Stage::Read(reading) => reading.stream.subscribe(),
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    fn step(&self, stage: Stage) -> Result<Step, HttpError> {
        match stage {
            Stage::Send(sending) => sending.step(),
            Stage::Receive => match self.future.get() {
                Some(Ok(Ok(response))) => Reading::of(response).map(Stage::Read).map(Step::Next),
                Some(Ok(Err(error))) => Err(HttpError::Failed(error)),
                // It was taken before, which does not happen.
                Some(Err(())) => Err(HttpError::Closed),
                None => Ok(Step::Wait(Stage::Receive)),
            },
            Stage::Read(reading) => reading.step(),
            Stage::Done => Err(HttpError::Closed),
        }
    }
}

impl Sending {
    fn step(mut self) -> Result<Step, HttpError> {
        match self.send() {
            Ok(false) => Ok(Step::Wait(Stage::Send(self))),
            Ok(true) => {
                drop(self.stream);
                OutgoingBody::finish(self.outgoing, None).map_err(HttpError::Failed)?;
                Ok(Step::Next(Stage::Receive))
            }
            // The server may have answered without reading the whole body, or the connection failed: the response tells.
            Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => {
                Ok(Step::Next(Stage::Receive))
            }
        }
    }

    /// Whether the host has taken the whole body.
    fn send(&mut self) -> Result<bool, StreamError> {
        while let Some(rest) = self.body.get(self.written..).filter(|it| !it.is_empty()) {
            let room = usize::try_from(self.stream.check_write()?).unwrap_or(usize::MAX);
            if room == 0 {
                return Ok(false);
            }
            let (now, _) = rest.split_at(room.min(rest.len()));
            self.stream.write(now)?;
            self.written += now.len();
        }
        if !self.is_flushed {
            self.stream.flush()?;
            self.is_flushed = true;
        }
        Ok(self.stream.subscribe().ready())
    }
}

impl Reading {
    fn of(response: IncomingResponse) -> Result<Self, HttpError> {
        let body = response.consume().map_err(|()| HttpError::Closed)?;
        Ok(Self {
            stream: body.stream().map_err(|()| HttpError::Closed)?,
            _body: body,
            response,
            bytes: Vec::new(),
        })
    }

    fn step(mut self) -> Result<Step, HttpError> {
        match self.stream.read(CHUNK) {
            Ok(chunk) if chunk.is_empty() => return Ok(Step::Wait(Stage::Read(self))),
            Ok(chunk) => self.bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => {
                let values = self.response.headers().get(&"retry-after".to_owned());
                let first = values.into_iter().next();
                return Ok(Step::Response(Response {
                    status: self.response.status(),
                    retry_after: first.and_then(|value| String::from_utf8(value).ok()),
                    body: self.bytes,
                }));
            }
            Err(StreamError::LastOperationFailed(_)) => return Err(HttpError::Closed),
        }
        match self.bytes.len() > MAX_BODY {
            true => Err(HttpError::TooLarge),
            false => Ok(Step::Next(Stage::Read(self))),
        }
    }
}

fn prepare(
    url: &str,
    headers: &[(&str, &str)],
    length: usize,
) -> Result<OutgoingRequest, HttpError> {
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
        .and_then(|()| request.set_path_with_query(Some(&target.path)))
        .map_err(|()| HttpError::Invalid("URL"))?;
    Ok(request)
}

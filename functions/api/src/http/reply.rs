//! Answers: what a handler returns, and how it leaves.

use std::borrow::Cow;
use std::time::Duration;

use guest::logging;
use spin_sdk::http::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::clocks::monotonic_clock;
use wasi::io::poll::poll;
use wasi::io::streams::OutputStream;

use crate::http::cors;
use crate::http::problem::Problem;
use crate::http::request::Request;

/// How long a client may take nothing of an answer before it is given up: an instance is held for it all the while.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer that is what was asked for.
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    media_type: &'static str,
    caching: &'static str,
    body: Body,
}

enum Body {
    None,
    Whole(Cow<'static, str>),
    /// Made while it is written, so that it is never held as a whole.
    Parts(Box<dyn Iterator<Item = Result<String, Problem>>>),
}

impl Reply {
    fn new(status: u16, media_type: &'static str, body: Body) -> Self {
        Self {
            status,
            headers: Vec::new(),
            media_type,
            // Answers belong to whoever asked; no cache on the way keeps them.
            caching: "no-store",
            body,
        }
    }

    pub fn json(status: u16, body: String) -> Self {
        Self::new(status, "application/json", Body::Whole(body.into()))
    }

    /// A text that is the same for everybody, so that it may be kept for a while.
    pub fn document(media_type: &'static str, text: &'static str) -> Self {
        Self::new(200, media_type, Body::Whole(text.into())).cached()
    }

    /// An answer of unknown length. A part that is a problem ends it, cut off, because its status is out already.
    pub fn parts(
        media_type: &'static str,
        parts: impl Iterator<Item = Result<String, Problem>> + 'static,
    ) -> Self {
        Self::new(200, media_type, Body::Parts(Box::new(parts)))
    }

    pub fn empty(status: u16) -> Self {
        Self::new(status, "", Body::None)
    }

    /// Anybody may keep it for five minutes.
    pub fn cached(self) -> Self {
        Self {
            caching: "public, max-age=300",
            ..self
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says whether it answers an earlier request with the same Idempotency-Key.
    pub fn replayed(self, replayed: bool) -> Self {
        if replayed {
            self.header("idempotency-replayed", "true")
        } else {
            self
        }
    }

    /// The version of a task as its entity tag.
    pub fn etag(self, version: i64) -> Self {
        self.header("etag", format!("\"{version}\""))
    }
}

/// Sends the answer, and logs what a person may have to look at.
pub fn send(answer: Result<Reply, Problem>, request: &Request, out: ResponseOutparam) {
    let reply = answer.unwrap_or_else(|problem| {
        log(&problem, request);
        let body = Body::Whole(problem.to_json(request.path()).into());
        Reply {
            headers: problem.headers,
            ..Reply::new(problem.status, "application/problem+json", body)
        }
    });
    let mut fields: Vec<(String, Vec<u8>)> = Vec::with_capacity(reply.headers.len() + 8);
    let mut add =
        |name: &str, value: &str| fields.push((name.to_owned(), value.as_bytes().to_vec()));
    match &reply.body {
        Body::None => {}
        Body::Whole(text) => {
            add("content-type", reply.media_type);
            add("content-length", &text.len().to_string());
        }
        Body::Parts(_) => add("content-type", reply.media_type),
    }
    add("cache-control", reply.caching);
    // No browser guesses another type.
    add("x-content-type-options", "nosniff");
    add("x-correlation-id", &request.trace.correlation);
    for (name, value) in reply.headers {
        add(name, &value);
    }
    for (policy, limit) in &request.rates {
        add("ratelimit-policy", policy);
        add("ratelimit", limit);
    }
    cors::allow(request, add);
    let fields = Fields::from_list(&fields).unwrap_or_else(|_| Fields::new());
    let response = OutgoingResponse::new(fields);
    // Every status here is a constant of ours that HTTP knows.
    let _ = response.set_status_code(reply.status);
    let Ok(outgoing) = response.body() else {
        return;
    };
    out.set(response);
    if write(&outgoing, reply.body, request) {
        let _ = OutgoingBody::finish(outgoing, None);
    }
    // Else it is let go without an end, which the client sees as an answer cut off.
}

fn log(problem: &Problem, request: &Request) {
    let Some(cause) = &problem.cause else { return };
    // What is away comes back by itself; anything else of ours does not.
    let line = if problem.needs_a_person {
        logging::error("request failed")
    } else {
        logging::warn("request not served")
    };
    line.field("correlation_id", request.trace.correlation.as_str())
        .field("method", request.method.to_string())
        .field("path", request.path())
        .field("status", problem.status)
        .field(
            "duration_ms",
            (request.started.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        )
        .field("error", &**cause)
        .write();
}

/// Hands the body to the host; false where the client did not get all of it.
fn write(outgoing: &OutgoingBody, body: Body, request: &Request) -> bool {
    let Ok(stream) = outgoing.write() else {
        return false;
    };
    let mut parts = match body {
        Body::None => return true,
        // A client that has gone is no error.
        Body::Whole(text) => return give(&stream, text.as_bytes()),
        Body::Parts(parts) => parts,
    };
    parts.all(|part| match part {
        Ok(text) => {
            give(&stream, text.as_bytes()) || {
                logging::info("the client took no more of the answer")
                    .field("correlation_id", request.trace.correlation.as_str())
                    .field("path", request.path())
                    .write();
                false
            }
        }
        Err(problem) => {
            log(&problem, request);
            false
        }
    })
}

/// Gives the host what it has room for until it has all; false if the client has gone or takes nothing any more.
fn give(stream: &OutputStream, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let Ok(room) = stream.check_write() else {
            return false;
        };
        if room == 0 {
            let patience = PATIENCE.as_nanos().try_into().unwrap_or(u64::MAX);
            let late = monotonic_clock::subscribe_duration(patience);
            if !poll(&[&stream.subscribe(), &late]).contains(&0) {
                return false;
            }
            continue;
        }
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let (now, later) = bytes.split_at(room);
        if stream.write(now).is_err() {
            return false;
        }
        bytes = later;
    }
    true
}

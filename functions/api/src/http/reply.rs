//! Responses: what a handler returns, and how it is sent to the client.

use std::borrow::Cow;

use guest::logging;
use spin_sdk::http::{Fields, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::io::streams::OutputStream;

use crate::http::cors;
use crate::http::pace::Pace;
use crate::http::problem::{Problem, REPLAYED};
use crate::http::request::Request;

/// A response to a request that succeeded. The response to one that failed is a [`Problem`].
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
    /// Produced while it is sent, so it is never in memory as a whole.
    Parts(Box<dyn Iterator<Item = Result<String, Problem>>>),
}

impl Reply {
    fn new(status: u16, media_type: &'static str, body: Body) -> Self {
        Self {
            status,
            headers: Vec::new(),
            media_type,
            // Responses are private to the caller, so no cache may store them.
            caching: "no-store",
            body,
        }
    }

    /// A response with a JSON body.
    pub fn json(status: u16, body: String) -> Self {
        Self::new(status, "application/json", Body::Whole(body.into()))
    }

    /// An HTML page that is private to who asks for it.
    pub fn page(html: &'static str) -> Self {
        let media_type = "text/html; charset=utf-8";
        Self::new(200, media_type, Body::Whole(html.into()))
    }

    /// A static text, which is the same for every client and may be cached.
    pub fn document(media_type: &'static str, text: &'static str) -> Self {
        Self::new(200, media_type, Body::Whole(text.into())).cached()
    }

    /// A streamed response of unknown length. A part that fails aborts it: the status has been sent, so the client can only
    /// see a body that ends without its terminator.
    pub fn parts(
        media_type: &'static str,
        parts: impl Iterator<Item = Result<String, Problem>> + 'static,
    ) -> Self {
        Self::new(200, media_type, Body::Parts(Box::new(parts)))
    }

    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self::new(status, "", Body::None)
    }

    /// Lets clients and shared caches store the response for five minutes.
    pub fn cached(self) -> Self {
        Self {
            caching: "public, max-age=300",
            ..self
        }
    }

    /// Adds a header; the name is in lower case.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Marks the kept answer to an earlier request with the same Idempotency-Key.
    pub fn replayed(self, replayed: bool) -> Self {
        if replayed {
            self.header(REPLAYED, "true")
        } else {
            self
        }
    }

    /// Adds a task's version as its entity tag.
    pub fn etag(self, version: i64) -> Self {
        self.header("etag", format!("\"{version}\""))
    }
}

/// Sends the response with the headers that all responses have. Logs a problem that has a cause on the server's side.
pub fn send(answer: Result<Reply, Problem>, request: &Request, out: ResponseOutparam) {
    let reply = answer.unwrap_or_else(|problem| {
        log_problem(&problem, request);
        let body = Body::Whole(problem.to_json(request.path()).into());
        Reply {
            headers: problem.headers,
            ..Reply::new(problem.status, "application/problem+json", body)
        }
    });
    let mut fields: Vec<(String, Vec<u8>)> = Vec::with_capacity(reply.headers.len() + 8);
    let mut add =
        |name: &str, value: &str| fields.push((name.to_owned(), value.as_bytes().to_vec()));
    // The response to HEAD has the headers of GET and no body (RFC 9110, section 9.3.2). It leaves the length out, because the host
    // compares that with the body.
    let is_head = request.method == Method::Head;
    match &reply.body {
        Body::None => {}
        Body::Whole(text) => {
            add("content-type", reply.media_type);
            if !is_head {
                add("content-length", &text.len().to_string());
            }
        }
        Body::Parts(_) => add("content-type", reply.media_type),
    }
    add("cache-control", reply.caching);
    // Keeps browsers from guessing another media type.
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
    // It fails only for a number that is no status; every status here is a valid constant.
    let _ = response.set_status_code(reply.status);
    let Ok(outgoing) = response.body() else {
        return;
    };
    out.set(response);
    let body = if is_head { Body::None } else { reply.body };
    if write(&outgoing, body, request) {
        let _ = OutgoingBody::finish(outgoing, None);
    }
    // Dropping a body without `finish` aborts it, so the client sees that the response is incomplete.
}

fn log_problem(problem: &Problem, request: &Request) {
    let Some(cause) = &problem.cause else { return };
    // `error` means that a person must act. An outage of the database, for example, ends without one.
    let line = if problem.needs_operator {
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

/// Writes the body. Returns false if the body is incomplete.
fn write(outgoing: &OutgoingBody, body: Body, request: &Request) -> bool {
    let Ok(stream) = outgoing.write() else {
        return false;
    };
    let mut pace = Pace::of_response();
    let mut parts = match body {
        Body::None => return true,
        // A client that disconnects is not an error.
        Body::Whole(text) => return write_bytes(&stream, text.as_bytes(), &mut pace),
        Body::Parts(parts) => parts,
    };
    parts.all(|part| match part {
        Ok(text) => {
            write_bytes(&stream, text.as_bytes(), &mut pace) || {
                logging::info("the client stopped reading the response")
                    .field("correlation_id", request.trace.correlation.as_str())
                    .field("path", request.path())
                    .write();
                false
            }
        }
        Err(problem) => {
            log_problem(&problem, request);
            false
        }
    })
}

/// Writes bytes as fast as the host accepts them. Returns false if the client has disconnected or is too slow.
fn write_bytes(stream: &OutputStream, mut bytes: &[u8], pace: &mut Pace) -> bool {
    while !bytes.is_empty() {
        let Ok(capacity) = stream.check_write() else {
            return false;
        };
        if capacity == 0 {
            if !pace.wait(&stream.subscribe()) {
                return false;
            }
            continue;
        }
        let length = usize::try_from(capacity)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let (now, later) = bytes.split_at(length);
        if stream.write(now).is_err() {
            return false;
        }
        pace.moved(length);
        bytes = later;
    }
    true
}

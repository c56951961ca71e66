//! Answers: what a handler returns, and how it leaves.

use crate::cors;
use crate::problem::Problem;
use crate::request::Request;
use guest::logging;
use spin_sdk::http::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use std::borrow::Cow;

/// An answer that is what was asked for.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    media_type: &'static str,
    caching: &'static str,
    body: Option<Cow<'static, str>>,
}

impl Reply {
    pub fn json(status: u16, body: String) -> Self {
        Self {
            body: Some(body.into()),
            ..Self::empty(status)
        }
    }

    /// A text that is the same for everybody, so that it may be kept for a while.
    pub fn document(media_type: &'static str, text: &'static str) -> Self {
        Self {
            media_type,
            body: Some(text.into()),
            ..Self::empty(200).cached()
        }
    }

    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            media_type: "application/json",
            // Answers belong to whoever asked; no cache on the way keeps them.
            caching: "no-store",
            body: None,
        }
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

    /// The version of a task as its entity tag.
    pub fn etag(self, version: i64) -> Self {
        self.header("etag", format!("\"{version}\""))
    }
}

/// Sends the answer, and logs what a person may have to look at.
pub fn send(answer: Result<Reply, Problem>, request: &Request, out: ResponseOutparam) {
    let reply = answer.unwrap_or_else(|problem| {
        log(&problem, request);
        Reply {
            media_type: "application/problem+json",
            body: Some(problem.to_json(request.path()).into()),
            headers: problem.headers,
            ..Reply::empty(problem.status)
        }
    });
    let Reply {
        status,
        headers,
        media_type,
        caching,
        body,
    } = reply;
    let mut fields: Vec<(String, Vec<u8>)> = Vec::with_capacity(headers.len() + 8);
    let mut add =
        |name: &str, value: &str| fields.push((name.to_owned(), value.as_bytes().to_vec()));
    if let Some(body) = &body {
        add("content-type", media_type);
        add("content-length", &body.len().to_string());
    }
    add("cache-control", caching);
    // No browser guesses another type.
    add("x-content-type-options", "nosniff");
    add("x-correlation-id", &request.trace.correlation);
    for (name, value) in headers {
        add(name, &value);
    }
    cors::allow(request, add);
    write(
        status,
        &fields,
        body.as_deref().unwrap_or_default().as_bytes(),
        out,
    );
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

/// Hands the answer to the host. A client that has gone is no error.
fn write(status: u16, fields: &[(String, Vec<u8>)], body: &[u8], out: ResponseOutparam) {
    let fields = Fields::from_list(fields).unwrap_or_else(|_| Fields::new());
    let response = OutgoingResponse::new(fields);
    // Every status here is a constant of ours that HTTP knows.
    let _ = response.set_status_code(status);
    let Ok(outgoing) = response.body() else {
        return;
    };
    out.set(response);
    if let Ok(stream) = outgoing.write() {
        // The host takes 4 KiB at a time from this call.
        for chunk in body.chunks(4096) {
            if stream.blocking_write_and_flush(chunk).is_err() {
                return;
            }
        }
    }
    let _ = OutgoingBody::finish(outgoing, None);
}

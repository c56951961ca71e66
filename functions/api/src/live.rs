//! `POST /api/live/ticket`: a one-time ticket, with which a client opens a live connection at a gateway of the bridge.
//!
//! A gateway has no keys, and browsers cannot send the header `Authorization` with a WebSocket. The database stores only a hash of a
//! ticket.

use domain::json::{Fault, Json, Reader};
use guest::postgres::{ParameterValue, text, text_or_null};
use serde_json::json;

use crate::auth::Caller;
use crate::auth::secret::{self, Secret};
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Outcome, Write};

/// How long a ticket is valid, in seconds; `issue_live_ticket` knows it, too.
const LIFETIME: u32 = 30;
/// The most bytes of an origin.
const MAX_ORIGIN: usize = 255;

/// Issues a ticket. It is bound to the origin of the page that asks, or of the page that the body names.
pub fn ticket(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of_own_account(request)?;
    Query::of(request).finish()?;
    let asked = match body::optional(request)? {
        None => None,
        Some(body) => {
            let mut reader = Reader::new("", body)?;
            let origin = reader.optional("origin", origin);
            reader.finish()?;
            origin
        }
    };
    let origin = bound(request, asked)?;
    let ticket = Secret::new();
    let rate = Rate::write(&caller, 1)?;
    let parameters = vec![
        text(caller.user.to_string()),
        text(secret::hash(ticket.text())),
        text_or_null(origin),
        ParameterValue::Int64(i64::try_from(caller.expires).unwrap_or(i64::MAX)),
    ];
    let mut write = Write::run(request, &rate, include_str!("live/issue.sql"), parameters)?;
    if write.outcome == Outcome::Made {
        let answer = json!({ "ticket": ticket.text(), "expires_in": LIFETIME });
        write.body = Some(answer.to_string());
    }
    write.reply(Some(&caller))
}

/// The origin that a ticket is bound to. A page cannot ask for a ticket that another page may use.
fn bound(request: &Request, asked: Option<String>) -> Result<Option<String>, Problem> {
    if !request.has_header("origin") {
        return Ok(asked);
    }
    let sent = request
        .header("origin")
        .filter(|sent| sent.len() <= MAX_ORIGIN)
        .ok_or_else(|| Problem::bad_request("`origin` must be one origin"))?;
    match asked {
        Some(asked) if asked != sent => {
            Err(Fault::new("/origin", "differs from the header `Origin`").into())
        }
        _ => Ok(Some(sent.to_owned())),
    }
}

/// An origin in its serialized form (RFC 6454, section 6.2), as browsers send it.
fn origin(pointer: &str, value: Json) -> Result<String, Vec<Fault>> {
    let wrong = || {
        let detail = "must be an origin, such as https://tasks.example.org";
        vec![Fault::new(pointer, detail)]
    };
    let Json::Text(text) = value else {
        return Err(wrong());
    };
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let is_origin = host.is_some_and(|host| {
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte)
        };
        !host.is_empty() && host.bytes().all(allowed)
    });
    match is_origin && text.len() <= MAX_ORIGIN {
        true => Ok(text),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_scheme_and_a_host_alone() {
        for fine in [
            "https://tasks.example.org",
            "http://127.0.0.1:3000",
            "http://[::1]:80",
        ] {
            assert_eq!(
                origin("/origin", Json::Text(fine.to_owned())).unwrap(),
                fine
            );
        }
        let long = format!("https://{}", "a".repeat(MAX_ORIGIN));
        for wrong in [
            "",
            "null",
            "https://",
            "https://a.org/",
            "https://A.org",
            "ftp://a.org",
            "https://a.org?x",
            "https://a b",
            &long,
        ] {
            assert!(
                origin("/origin", Json::Text(wrong.to_owned())).is_err(),
                "{wrong}"
            );
        }
        assert!(origin("/origin", Json::Null).is_err());
    }
}

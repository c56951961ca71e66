//! Prepares a request as Spin does: adds the `spin-…` headers and completes the URI.

use std::borrow::Cow;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Request, Uri};
use hyper::body::Incoming;
use routefinder::Captures;

use super::router::Route;

/// Adds Spin's headers, and the scheme and authority, which the URI of an HTTP/1.1 request lacks.
///
/// # Errors
/// When the request has no valid `Host` header, or a part of its path cannot be the value of a header.
pub fn prepare(
    request: &mut Request<Incoming>,
    route: &Route,
    path: &str,
    captures: &Captures,
    client: SocketAddr,
) -> Result<()> {
    let host = request
        .headers()
        .get(HOST)
        .context("the Host header is missing")?;
    let host = host
        .to_str()
        .context("the Host header is not ASCII")?
        .to_owned();
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let full_url = format!("http://{host}{target}");
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(
        host.parse()
            .context("the Host header is not a host with an optional port")?,
    );
    *request.uri_mut() = Uri::from_parts(parts)?;

    let headers = request.headers_mut();
    for (name, value) in [
        (
            "spin-path-info",
            HeaderValue::from_str(&path_info(captures, path))?,
        ),
        ("spin-full-url", HeaderValue::from_str(&full_url)?),
        ("spin-matched-route", route.pattern.clone()),
        ("spin-base-path", HeaderValue::from_static("/")),
        ("spin-raw-component-route", route.pattern.clone()),
        ("spin-component-route", route.prefix.clone()),
        (
            "spin-client-addr",
            HeaderValue::from_str(&client.to_string())?,
        ),
    ] {
        headers.append(HeaderName::from_static(name), value);
    }
    for (name, value) in captures.iter() {
        let name = format!("spin-path-match-{}", name.to_ascii_lowercase());
        headers.append(HeaderName::try_from(name)?, HeaderValue::from_str(value)?);
    }
    Ok(())
}

/// The part of the path that the route's wildcard matched, with its slashes.
fn path_info<'a>(captures: &'a Captures, path: &str) -> Cow<'a, str> {
    match (captures.wildcard(), path.ends_with('/')) {
        (None, _) | (Some(""), false) => "".into(),
        (Some(""), true) => "/".into(),
        (Some(rest), false) => format!("/{rest}").into(),
        (Some(rest), true) => format!("/{rest}/").into(),
    }
}

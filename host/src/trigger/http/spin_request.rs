//! Prepares a request as Spin does: completes the URI, and adds the `spin-…` headers.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::str::from_utf8;

use anyhow::{Context, Result, bail};
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Uri};
use hyper::body::Incoming;
use routefinder::Captures;

use super::router::Route;

/// Adds the scheme and authority, which the URI of an HTTP/1.1 request lacks.
///
/// # Errors
/// When the request has neither a `Host` header nor an absolute URI, or when they name different hosts.
pub fn complete_uri(request: &mut Request<Incoming>) -> Result<()> {
    let mut parts = request.uri().clone().into_parts();
    let host = request.headers().get(HOST).map(|host| {
        let host = host.to_str().context("the Host header is not ASCII")?;
        host.parse::<Authority>()
            .context("the Host header is not a host with an optional port")
    });
    let authority = match (host.transpose()?, parts.authority) {
        (None, None) => bail!("the Host header is missing"),
        (Some(host), Some(authority)) if host != authority => {
            bail!("the Host header and the URI name different hosts")
        }
        (_, Some(authority)) | (Some(authority), None) => authority,
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(())
}

/// Adds Spin's headers.
///
/// # Errors
/// When a header is not UTF-8, or a part of the path cannot be the value of a header.
pub fn add_headers(
    request: &mut Request<Incoming>,
    route: &Route,
    path: &str,
    captures: &Captures,
    client: SocketAddr,
) -> Result<()> {
    for (name, value) in request.headers() {
        from_utf8(value.as_bytes()).with_context(|| format!("the header {name} is not UTF-8"))?;
    }
    // Spin does not take the host from an absolute URI here.
    let host = match request.headers().get(HOST) {
        Some(host) => host.to_str()?,
        None => "localhost",
    };
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let full_url = format!("http://{host}{target}");

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

//! Browsers from other origins: only those that the setting `cors_origins` lists.

use guest::variables;

use crate::http::reply::Reply;
use crate::http::request::Request;

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS: &str = "authorization, content-type, if-match, if-none-match, idempotency-key, x-correlation-id, x-on-behalf-of, traceparent";
const RESPONSE_HEADERS: &str = "etag, location, idempotency-replayed, x-correlation-id, retry-after, ratelimit, ratelimit-policy";

/// Adds what lets a listed origin read the answer. Without an `Origin` it costs nothing.
pub fn allow(request: &Request, mut add: impl FnMut(&str, &str)) {
    let Some(origin) = request.header("origin") else {
        return;
    };
    add("vary", "origin");
    if is_listed(origin, &variables::get("cors_origins").unwrap_or_default()) {
        add("access-control-allow-origin", origin);
        add("access-control-expose-headers", RESPONSE_HEADERS);
    }
}

/// The answer to a preflight; `allow` adds the origin to it, if it is listed.
pub fn preflight(allow: &str) -> Reply {
    Reply::empty(204)
        .header("allow", allow)
        .header("access-control-allow-methods", METHODS)
        .header("access-control-allow-headers", REQUEST_HEADERS)
        .header("access-control-max-age", "600")
}

fn is_listed(origin: &str, list: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|listed| !listed.is_empty() && listed == origin)
}

#[cfg(test)]
mod tests {
    use super::is_listed;

    #[test]
    fn only_whole_origins_match() {
        let list = "https://a.example, http://localhost:5173";
        assert!(is_listed("https://a.example", list));
        assert!(is_listed("http://localhost:5173", list));
        for other in [
            "",
            "*",
            "null",
            "https://a.example.evil",
            "https://b.example",
        ] {
            assert!(!is_listed(other, list), "{other}");
        }
        assert!(!is_listed("", ""));
    }
}

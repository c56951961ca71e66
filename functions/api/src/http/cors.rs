//! CORS: browsers may call the API from the origins that the setting `cors_origins` lists (Fetch Standard,
//! section "CORS protocol").

use guest::variables;

use crate::http::request::Request;

/// The headers of the response to a preflight, except for the allowed origin, which [`allow`] adds to every response.
pub const PREFLIGHT: [(&str, &str); 3] = [
    (
        "access-control-allow-methods",
        "GET, HEAD, POST, PUT, PATCH, DELETE",
    ),
    (
        "access-control-allow-headers",
        "authorization, content-type, if-match, if-none-match, idempotency-key, x-correlation-id, x-on-behalf-of, traceparent",
    ),
    ("access-control-max-age", "600"),
];

/// The response headers that scripts of an allowed origin may read.
const EXPOSED_HEADERS: &str = "etag, location, idempotency-replayed, x-correlation-id, retry-after, ratelimit, ratelimit-policy";

/// Calls `add` with the name and value of each header that lets a listed origin read the response.
///
/// The setting is read only if the request has an `Origin`, so requests from programs do not pay for it.
pub fn allow(request: &Request, mut add: impl FnMut(&str, &str)) {
    let Some(origin) = request.header("origin") else {
        return;
    };
    add("vary", "origin");
    if is_listed(origin, &variables::get("cors_origins").unwrap_or_default()) {
        add("access-control-allow-origin", origin);
        add("access-control-expose-headers", EXPOSED_HEADERS);
    }
}

/// Whether a comma-separated list contains exactly this origin.
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

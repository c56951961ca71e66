//! What both kinds of connections read from a request: where it comes from.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::accounts::Origin;

/// A request that is refused, as a problem document (RFC 9457).
#[derive(Debug)]
pub struct Refused {
    pub status: StatusCode,
    pub reason: &'static str,
    /// Seconds after which it may succeed.
    pub retry_after: Option<u32>,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = json!({
            "type": format!("urn:spindle:problems/live/{}", self.reason),
            "title": self.reason.replace('_', " "),
            "status": self.status.as_u16(),
        });
        let mut response = (self.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        let problem = header::HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The origin of a request.
///
/// # Errors
/// It is none of `allowed`, or cannot be read.
pub fn origin(headers: &HeaderMap, allowed: &[String]) -> Result<Origin, Refused> {
    let refused = || Refused {
        status: StatusCode::FORBIDDEN,
        reason: "wrong_origin",
        retry_after: None,
    };
    let mut names = headers.get_all(header::ORIGIN).iter();
    let name = match (names.next(), names.next()) {
        (None, _) => None,
        (Some(name), None) => {
            let name = name.to_str().map_err(|_| refused())?;
            if !allowed.iter().any(|allowed| allowed == name) {
                return Err(refused());
            }
            Some(name.to_owned())
        }
        (Some(_), Some(_)) => return Err(refused()),
    };
    let site = headers.get("sec-fetch-site");
    let is_own = name.is_none() && site.is_some_and(|site| site == "same-origin");
    Ok(Origin { name, is_own })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Option<(Option<String>, bool)> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let origin = origin(&headers, &["https://a.org".to_owned()]).ok()?;
        Some((origin.name, origin.is_own))
    }

    #[test]
    fn only_listed_origins_may_connect() {
        let listed = ("origin", "https://a.org");
        assert_eq!(read(&[]), Some((None, false)));
        assert_eq!(
            read(&[listed]),
            Some((Some("https://a.org".to_owned()), false))
        );
        for other in [
            "https://b.org",
            "null",
            "https://a.org.b.org",
            "http://a.org",
            "",
        ] {
            assert_eq!(read(&[("origin", other)]), None, "{other}");
        }
        assert_eq!(read(&[listed, listed]), None);
        let own = ("sec-fetch-site", "same-origin");
        assert_eq!(read(&[own]), Some((None, true)));
        assert_eq!(read(&[listed, own]).map(|(_, is_own)| is_own), Some(false));
        assert_eq!(
            read(&[("sec-fetch-site", "cross-site")]),
            Some((None, false))
        );
    }
}

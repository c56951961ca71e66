//! `GET /api/openapi.json` and `GET /api/docs`: the OpenAPI document and a page that shows it. `build/main.rs` makes both.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// The OpenAPI document.
pub const DOCUMENT: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
const DOCUMENT_TAG: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json.etag"));
/// The HTML page; its script reads the document.
const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.html"));
const PAGE_TAG: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.html.etag"));

pub fn document(request: &mut Request) -> Result<Reply, Problem> {
    let fresh = || Reply::document("application/json", DOCUMENT);
    Ok(unless_known(request, DOCUMENT_TAG, fresh))
}

pub fn page(request: &mut Request) -> Result<Reply, Problem> {
    let fresh = || {
        Reply::document("text/html; charset=utf-8", PAGE)
            .header("content-security-policy", policy())
    };
    Ok(unless_known(request, PAGE_TAG, fresh))
}

/// Leads to the page.
pub fn redirect() -> Reply {
    Reply::empty(302).header("location", "/api/docs")
}

/// The content security policy of the page: it may run its own script and style and request the document, nothing else.
fn policy() -> String {
    let hash = |element: &str| {
        let text = PAGE.split_once(&format!("<{element}>"));
        let text = text.and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
        let digest = Sha256::digest(text.map_or("", |(text, _)| text));
        format!("'sha256-{}'", STANDARD.encode(digest))
    };
    format!(
        "default-src 'none'; connect-src 'self'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash("style"),
        hash("script")
    )
}

/// The document, or 304 if `If-None-Match` names its entity tag (RFC 9110, section 13.1.2).
///
/// The header is not parsed: a malformed one leads to a full response, which is correct.
fn unless_known(request: &Request, tag: &'static str, fresh: impl FnOnce() -> Reply) -> Reply {
    let known = request.header("if-none-match").unwrap_or_default();
    let reply = if known.trim() == "*" || known.contains(tag) {
        Reply::empty(304).cached()
    } else {
        fresh()
    };
    reply.header("etag", tag)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::event::EventType;

    use super::*;
    use crate::router::operations;

    #[test]
    fn every_event_type_is_described() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        let described: BTreeSet<&str> = document["components"]["schemas"]["EventType"]["enum"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(serde_json::Value::as_str)
            .collect();
        let known: BTreeSet<&str> = EventType::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(described, known);
    }

    /// Calls `see` with each reference in a value.
    fn references<'a>(value: &'a serde_json::Value, see: &mut impl FnMut(&'a str)) {
        match value {
            serde_json::Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(|it| it.as_str()) {
                    see(reference);
                }
                members.values().for_each(|member| references(member, see));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| references(item, see)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut broken = BTreeSet::new();
        references(&document, &mut |reference| {
            let pointer = reference
                .strip_prefix('#')
                .unwrap_or("not in this document");
            if document.pointer(pointer).is_none() {
                broken.insert(reference);
            }
        });
        assert!(broken.is_empty(), "{broken:?}");
    }

    #[test]
    fn the_policy_allows_the_script_and_style_of_the_page() {
        // If the page had no such element, the policy would contain the hash of an empty text.
        let empty = STANDARD.encode(Sha256::digest(""));
        assert!(PAGE.contains("/api/openapi.json") && !policy().contains(&empty));
    }

    #[test]
    fn the_document_describes_exactly_the_routes() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in ["get", "put", "post", "patch", "delete"] {
                if item.get(method).is_some() {
                    described.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        let served: BTreeSet<String> = operations().collect();
        let missing: Vec<_> = served.difference(&described).collect();
        let surplus: Vec<_> = described.difference(&served).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "not described: {missing:?}; described, but not served: {surplus:?}"
        );
    }
}

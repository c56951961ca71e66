//! Conditional requests (RFC 9110, section 13): `If-Match` and `If-None-Match`. The entity tag of a task is its version in
//! quotes.

use crate::http::problem::Problem;
use crate::http::request::Request;

/// The value of a conditional header.
#[derive(Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: every version of a task that exists.
    Any,
    /// The listed versions. Tags that are not numbers are left out, because they match no version.
    Versions(Vec<i64>),
}

/// The versions that the request may overwrite; `None` without the header.
///
/// # Errors
/// 400 for a malformed header.
pub fn if_match(request: &Request) -> Result<Option<Tags>, Problem> {
    read(request, "if-match", false)
}

/// The versions that the client has cached; `None` without the header.
///
/// # Errors
/// 400 for a malformed header.
pub fn if_none_match(request: &Request) -> Result<Option<Tags>, Problem> {
    // `If-None-Match` uses the weak comparison (RFC 9110, section 13.1.2), `If-Match` the strong one (section 13.1.1).
    read(request, "if-none-match", true)
}

/// With `weak`, weak tags match as well.
fn read(request: &Request, name: &str, weak: bool) -> Result<Option<Tags>, Problem> {
    if !request.has_header(name) {
        return Ok(None);
    }
    // Several lines of a list are one list (RFC 9110, section 5.3).
    let value = request.all_headers(name).join(",");
    parse(&value, weak).map(Some).ok_or_else(|| {
        Problem::bad_request(format!(
            "`{name}` must be `*` or a list of quoted entity tags"
        ))
    })
}

fn parse(value: &str, weak: bool) -> Option<Tags> {
    if value.trim() == "*" {
        return Some(Tags::Any);
    }
    let (mut versions, mut tags) = (Vec::new(), 0);
    for tag in value
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
    {
        let (is_weak, opaque) = tag
            .strip_prefix("W/")
            .map_or((false, tag), |rest| (true, rest));
        let inner = opaque.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('"') {
            return None;
        }
        tags += 1;
        // A tag is a string, so `"01"` is not the tag of version 1.
        let version = inner.parse().ok().filter(|n: &i64| n.to_string() == inner);
        if weak || !is_weak {
            versions.extend(version);
        }
    }
    (tags > 0).then_some(Tags::Versions(versions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_versions_in_quotes() {
        assert_eq!(parse("\"3\"", false), Some(Tags::Versions(vec![3])));
        assert_eq!(
            parse("\"3\", \"x\" ,\"4\"", false),
            Some(Tags::Versions(vec![3, 4]))
        );
        assert_eq!(parse("W/\"3\"", false), Some(Tags::Versions(vec![])));
        assert_eq!(parse("W/\"3\"", true), Some(Tags::Versions(vec![3])));
        assert_eq!(parse(" * ", false), Some(Tags::Any));
        for other in ["\"01\"", "\"+1\"", "\" 1\"", "\"\""] {
            assert_eq!(parse(other, false), Some(Tags::Versions(vec![])), "{other}");
        }
        for bad in ["", ",", "3", "\"3", "\"a\"b\"", "*,\"1\""] {
            assert_eq!(parse(bad, false), None, "{bad}");
        }
    }
}

//! Entity tags: a task's version in quotes, compared in `If-Match` and `If-None-Match` (RFC 9110).

use crate::http::problem::Problem;
use crate::http::request::Request;

/// What a conditional header names.
#[derive(Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: any version of what exists.
    Any,
    /// These versions. Tags that no version of ours looks like are left out: they match nothing.
    Versions(Vec<i64>),
}

/// The versions that the client accepts to write over; `None` where it does not say.
pub fn if_match(request: &Request) -> Result<Option<Tags>, Problem> {
    read(request, "if-match", false)
}

/// The versions that the client has already; `None` where it does not say.
pub fn if_none_match(request: &Request) -> Result<Option<Tags>, Problem> {
    // For reading, weak tags compare like strong ones.
    read(request, "if-none-match", true)
}

fn read(request: &Request, name: &str, weak: bool) -> Result<Option<Tags>, Problem> {
    if !request.has_header(name) {
        return Ok(None);
    }
    let malformed = || {
        Problem::bad_request(format!(
            "`{name}` must be * or a list of quoted entity tags"
        ))
    };
    let value = request.header(name).ok_or_else(malformed)?;
    parse(value, weak).map(Some).ok_or_else(malformed)
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
        if (weak || !is_weak)
            && let Ok(version) = inner.parse()
        {
            versions.push(version);
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
        for bad in ["", ",", "3", "\"3", "\"a\"b\""] {
            assert_eq!(parse(bad, false), None, "{bad}");
        }
    }
}

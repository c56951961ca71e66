//! The parts of a URL, as an outgoing request needs them.

use std::borrow::Cow;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'url> {
    pub is_secure: bool,
    pub authority: &'url str,
    /// The path with the query. It begins with a slash.
    pub path: Cow<'url, str>,
}

impl<'url> Target<'url> {
    /// Splits a URL that begins with `http://` or `https://` and has a host. `None` for any other text.
    pub fn of(url: &'url str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let is_secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        (!authority.is_empty()).then(|| Self {
            is_secure,
            authority,
            path: match path.starts_with('/') {
                true => path.into(),
                false => format!("/{path}").into(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split() {
        for (url, is_secure, authority, path) in [
            (
                "http://127.0.0.1:3000/api/x?y=/",
                false,
                "127.0.0.1:3000",
                "/api/x?y=/",
            ),
            ("https://[::1]:8", true, "[::1]:8", "/"),
            ("https://a.example?b=/c", true, "a.example", "/?b=/c"),
        ] {
            let target = Target {
                is_secure,
                authority,
                path: path.into(),
            };
            assert_eq!(Target::of(url), Some(target));
        }
        for other in [
            "",
            "/api",
            "http:///api",
            "http://?a",
            "redis://a/b",
            "127.0.0.1:3000",
        ] {
            assert_eq!(Target::of(other), None, "{other}");
        }
    }
}

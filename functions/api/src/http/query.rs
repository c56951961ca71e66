//! The query string: every parameter known and decoded, or a problem that names it.

use std::borrow::Cow;

use domain::json::Fault;
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::request::Request;

/// Items on a page where the request does not say.
pub const DEFAULT_LIMIT: i64 = 50;
/// What `limit` must be.
pub const LIMIT: &str = "a number from 1 to 200";
/// What `cursor` must be.
pub const CURSOR: &str = "one that this list gave, with the same filters and order";

/// Reads the parameter `limit`.
pub fn limit(text: &str) -> Option<i64> {
    text.parse().ok().filter(|limit| (1..=200).contains(limit))
}

/// Reads an id in the one spelling that answers use.
pub fn uuid(text: &str) -> Option<Uuid> {
    Some(text)
        .filter(|text| text.len() == 36)
        .and_then(|text| Uuid::parse_str(text).ok())
}

/// The parameters of a request; each is taken once by the handler that knows it.
pub struct Query {
    pairs: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Query {
    pub fn of(request: &Request) -> Self {
        Self::parse(&request.query)
    }

    pub fn parse(query: &str) -> Self {
        let (mut pairs, mut faults) = (Vec::new(), Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) if !name.contains('\0') && !value.contains('\0') => {
                    pairs.push((name.into_owned(), value.into_owned()));
                }
                _ => faults.push(Fault::new(
                    "",
                    format!("`{pair:.60}` is not UTF-8 text without NUL"),
                )),
            }
        }
        Self { pairs, faults }
    }

    /// A parameter that may be given once.
    pub fn one(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            self.fault(name, "may be given once");
        }
        values.pop()
    }

    /// A parameter that may be given once, parsed; `wanted` says what it must be.
    pub fn parsed<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.one(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.fault(name, &format!("must be {wanted}"));
        }
        parsed
    }

    /// All values of a parameter, in order.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        self.pairs.retain_mut(|(given, value)| {
            let taken = given == name;
            if taken {
                values.push(std::mem::take(value));
            }
            !taken
        });
        values
    }

    pub fn fault(&mut self, name: &str, detail: &str) {
        self.faults.push(Fault::new(
            format!("/{}", name.replace('~', "~0").replace('/', "~1")),
            detail,
        ));
    }

    /// Ends the reading: what nobody took is unknown.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs).iter().take(20) {
            let shown: String = name.chars().take(60).collect();
            self.fault(&shown, "is not a parameter here");
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(self.faults.into())
        }
    }
}

/// Decodes `application/x-www-form-urlencoded` text, where a `+` is a space.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        percent_decode(&text.replace('+', " ")).map(|text| Cow::Owned(text.into_owned()))
    } else {
        percent_decode(text)
    }
}

/// Decodes what `%` starts (RFC 3986); `None` where it is no UTF-8 or a `%` starts no byte.
pub fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_counted() {
        let mut query = Query::parse("q=a+b%20c%C3%A9&tag=x&tag=y&limit=5");
        assert_eq!(query.one("q").as_deref(), Some("a b cé"));
        assert_eq!(query.all("tag"), ["x", "y"]);
        assert_eq!(
            query.parsed("limit", "a number", |text| text.parse::<u8>().ok()),
            Some(5)
        );
        assert!(query.finish().is_ok());
    }

    #[test]
    fn a_path_has_no_spaces_to_spare() {
        assert_eq!(
            percent_decode("a+b%2Fc%20%E8%B2%B7").as_deref(),
            Some("a+b/c 買")
        );
        for bad in ["%", "%2", "%zz", "%ff", "a%"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_unknown_or_broken_is_refused() {
        for text in ["x=1", "%zz=1", "q=%ff", "q=%00", "q=%", "q=1&q=2"] {
            let mut query = Query::parse(text);
            query.one("q");
            assert!(query.finish().is_err(), "{text}");
        }
    }
}

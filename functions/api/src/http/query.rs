//! The query string. Every parameter must be known and valid; otherwise the problem names it.

use std::borrow::Cow;

use domain::json::Fault;
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::request::Request;

/// The page size of a request without `limit`.
pub const DEFAULT_LIMIT: i64 = 50;
/// What `limit` must be, as the end of "must be …".
pub const LIMIT: &str = "a number from 1 to 200";
/// What `cursor` must be, as the end of "must be …".
pub const CURSOR: &str =
    "the `next_cursor` of a page of this list, with the same filters and order";

/// Parses `limit`.
pub fn limit(text: &str) -> Option<i64> {
    text.parse().ok().filter(|limit| (1..=200).contains(limit))
}

/// Parses a UUID in its hyphenated form; the other forms of the `uuid` crate are refused.
pub fn uuid(text: &str) -> Option<Uuid> {
    Some(text)
        .filter(|text| text.len() == 36)
        .and_then(|text| Uuid::parse_str(text).ok())
}

/// The parameters of a request. A handler takes those that it knows and then calls [`Query::finish`], which reports all
/// faults together.
pub struct Query {
    pairs: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Query {
    /// The query of a request.
    pub fn of(request: &Request) -> Self {
        Self::parse(&request.query)
    }

    /// Decodes a query string. Pairs that are not UTF-8 or contain NUL become faults.
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

    /// Takes a parameter that may occur once.
    pub fn one(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            self.fault(name, "may occur only once");
        }
        values.pop()
    }

    /// Takes and parses a parameter that may occur once. `expected` completes the fault "must be …".
    pub fn parsed<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.one(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.fault(name, &format!("must be {expected}"));
        }
        parsed
    }

    /// As [`Query::parsed`] for a parameter whose empty value means that there is none. Forms and templates send it so.
    pub fn parsed_if_filled<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.pairs
            .retain(|(parameter, value)| parameter != name || !value.is_empty());
        self.parsed(name, expected, parse)
    }

    /// Takes all values of a parameter, in order.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        self.pairs.retain_mut(|(parameter, value)| {
            let taken = parameter == name;
            if taken {
                values.push(std::mem::take(value));
            }
            !taken
        });
        values
    }

    /// Takes the values of a parameter that may be repeated, and whose values may be separated by commas.
    pub fn listed(&mut self, name: &str) -> Vec<String> {
        self.all(name)
            .iter()
            .flat_map(|value| value.split(','))
            .map(str::to_owned)
            .collect()
    }

    /// Adds a fault of a parameter, with the pointer `/<name>`.
    pub fn fault(&mut self, name: &str, detail: &str) {
        self.faults.push(Fault::new(
            format!("/{}", name.replace('~', "~0").replace('/', "~1")),
            detail,
        ));
    }

    /// Checks that all parameters were taken and valid.
    ///
    /// # Errors
    /// 422 with all faults. Parameters that were not taken are unknown.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs).iter().take(20) {
            let shown: String = name.chars().take(60).collect();
            self.fault(&shown, "is not a parameter of this operation");
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(self.faults.into())
        }
    }
}

/// Decodes `application/x-www-form-urlencoded` text, in which `+` is a space.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        percent_decode(&text.replace('+', " ")).map(|text| Cow::Owned(text.into_owned()))
    } else {
        percent_decode(text)
    }
}

/// Decodes percent-encoded text (RFC 3986, section 2.1). `None` if a `%` is not followed by two hex digits or the result is
/// not UTF-8.
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
    fn a_plus_in_a_path_is_not_a_space() {
        assert_eq!(
            percent_decode("a+b%2Fc%20%E8%B2%B7").as_deref(),
            Some("a+b/c 買")
        );
        for bad in ["%", "%2", "%zz", "%ff", "a%"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn unknown_and_malformed_parameters_are_refused() {
        for text in ["x=1", "%zz=1", "q=%ff", "q=%00", "q=%", "q=1&q=2"] {
            let mut query = Query::parse(text);
            query.one("q");
            assert!(query.finish().is_err(), "{text}");
        }
    }
}

//! The `Idempotency-Key` header, and the fingerprint of the request that it belongs to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::json::Json;
use guest::postgres::{ParameterValue, text};
use sha2::{Digest, Sha256};

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::request::Request;

/// The parameters of a request without a key.
pub const NO_KEY: [ParameterValue; 2] = [ParameterValue::DbNull, ParameterValue::DbNull];

/// The key and the request's fingerprint as SQL parameters; [`NO_KEY`] if the request has no key.
///
/// # Errors
/// 400 if the header is repeated, is not UTF-8, or does not have 1 to 255 characters.
pub fn parameters(
    request: &Request,
    caller: &Caller,
    body: &Json,
) -> Result<[ParameterValue; 2], Problem> {
    const NAME: &str = "idempotency-key";
    if !request.has_header(NAME) {
        return Ok(NO_KEY);
    }
    let key = request
        .header(NAME)
        .filter(|key| (1..=255).contains(&key.chars().count()) && !key.contains('\0'))
        .ok_or_else(|| {
            Problem::bad_request("`Idempotency-Key` must be sent once and have 1 to 255 characters")
        })?;
    // A service has keys of its own for each user it acts for. A key from a header contains no line feed.
    let key = match caller.service() {
        Some(service) => format!("{service}\n{key}"),
        None => key.to_owned(),
    };
    Ok([text(key), text(fingerprint(request.path(), body))])
}

/// Identifies a request by its path and the value of its body. Blanks and the order of members do not count.
pub fn fingerprint(path: &str, body: &Json) -> String {
    // A path contains no NUL, so path and body cannot run into each other.
    let mut text = format!("{path}\0");
    write(body, &mut text);
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// Writes JSON with the members of each object in the order of their names.
fn write(value: &Json, text: &mut String) {
    match value {
        Json::Null => text.push_str("null"),
        Json::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Json::Number(number) => text.push_str(&number.to_string()),
        Json::Text(string) => text.push_str(&serde_json::Value::from(string.as_str()).to_string()),
        Json::List(items) => {
            text.push('[');
            for item in items {
                write(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Json::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
            text.push('{');
            for (name, value) in sorted {
                text.push_str(&serde_json::Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text);
                text.push(',');
            }
            text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, body: &str) -> String {
        fingerprint(path, &Json::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn a_fingerprint_depends_on_path_and_body() {
        let one = of("/a", r#"{"b":[1,"x"]}"#);
        for (path, body) in [
            ("/ab", r#"{"b":[1,"x"]}"#),
            ("/a", r#"{"b":["x",1]}"#),
            ("/a", r#"{"b":[1],"x":null}"#),
            ("/a", r#"{"b":"[1,\"x\"]"}"#),
        ] {
            assert_ne!(one, of(path, body), "{path} {body}");
        }
    }

    #[test]
    fn equal_json_values_are_one_request() {
        let one = of("/a", r#"{"b":{"x":1,"y":"é"},"a":[]}"#);
        let same = "{\n \"a\" : [ ],\n \"b\":{\"y\":\"\\u00e9\",\"x\":1}}";
        assert_eq!(one, of("/a", same));
    }
}

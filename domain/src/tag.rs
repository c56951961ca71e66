//! What a request about a tag says; what a tag is, `task::tag` knows.

use crate::json::{Fault, Json, Reader};
use crate::task;

/// Reads the body of `PATCH /api/tags/{tag}`: the tag's name from now on.
pub fn new_name(body: Json) -> Result<String, Vec<Fault>> {
    let mut reader = Reader::new("", body)?;
    let name = reader.required("name", task::tag);
    reader.finish()?;
    name.ok_or_else(|| vec![Fault::new("/name", "is required")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<String, Vec<Fault>> {
        new_name(Json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_name_is_a_tag() {
        assert_eq!(name(r#"{"name":"a/b 買"}"#).unwrap(), "a/b 買");
        for (wrong, pointer) in [
            ("{}", "/name"),
            ("[]", ""),
            (r#"{"name":null}"#, "/name"),
            (r#"{"name":" "}"#, "/name"),
            (r#"{"name":"a\u0000"}"#, "/name"),
            (r#"{"name":"a","tag":"b"}"#, "/tag"),
        ] {
            assert_eq!(name(wrong).unwrap_err()[0].pointer, pointer, "{wrong}");
        }
        assert!(name(&format!(r#"{{"name":"{}"}}"#, "é".repeat(64))).is_ok());
        assert!(name(&format!(r#"{{"name":"{}"}}"#, "é".repeat(65))).is_err());
    }
}

//! Tags: one tag, the tags of a task, and the body that renames a tag.

use crate::json::{Fault, Json, Reader, text};

/// Maximum number of tags of one task.
const MAX_TAGS: usize = 32;

/// The tags of a task: up to 32, without duplicates, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<String>);

impl Tags {
    pub(crate) fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let Json::List(items) = value else {
            return Err(vec![Fault::new(
                pointer,
                format!("must be an array, not {}", value.kind()),
            )]);
        };
        if items.len() > MAX_TAGS {
            return Err(vec![Fault::new(
                pointer,
                format!("must have at most {MAX_TAGS} tags"),
            )]);
        }
        let (mut tags, mut faults) = (Vec::with_capacity(items.len()), Vec::new());
        for (index, item) in items.into_iter().enumerate() {
            match parse(&format!("{pointer}/{index}"), item) {
                Ok(tag) if tags.contains(&tag) => {}
                Ok(tag) => tags.push(tag),
                Err(mut fault) => faults.append(&mut fault),
            }
        }
        if faults.is_empty() {
            Ok(Self(tags))
        } else {
            Err(faults)
        }
    }

    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
}

/// Parses one tag: 1 to 64 characters, not all of them whitespace.
///
/// # Errors
/// One fault at `pointer`.
pub fn parse(pointer: &str, value: Json) -> Result<String, Vec<Fault>> {
    let tag = text(pointer, value, 1, 64)?;
    if tag.chars().all(char::is_whitespace) {
        return Err(vec![Fault::new(pointer, "must not be blank")]);
    }
    Ok(tag)
}

/// Parses the body of `PATCH /api/tags/{tag}` and returns the new name of the tag.
///
/// # Errors
/// All faults of the body.
pub fn parse_rename(body: Json) -> Result<String, Vec<Fault>> {
    let mut reader = Reader::new("", body)?;
    let name = reader.required("name", parse);
    reader.finish()?;
    name.ok_or_else(|| vec![Fault::new("/name", "is required")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_name(text: &str) -> Result<String, Vec<Fault>> {
        parse_rename(Json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_new_name_is_a_valid_tag() {
        assert_eq!(new_name(r#"{"name":"a/b 買"}"#).unwrap(), "a/b 買");
        for (wrong, pointer) in [
            ("{}", "/name"),
            ("[]", ""),
            (r#"{"name":null}"#, "/name"),
            (r#"{"name":" "}"#, "/name"),
            (r#"{"name":"a\u0000"}"#, "/name"),
            (r#"{"name":"a","tag":"b"}"#, "/tag"),
        ] {
            assert_eq!(new_name(wrong).unwrap_err()[0].pointer, pointer, "{wrong}");
        }
        assert!(new_name(&format!(r#"{{"name":"{}"}}"#, "é".repeat(64))).is_ok());
        assert!(new_name(&format!(r#"{{"name":"{}"}}"#, "é".repeat(65))).is_err());
    }
}

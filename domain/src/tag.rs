//! Tags: one tag, the tags of a task, and the body that renames a tag.

use std::collections::HashSet;

use crate::json::{self, Fault, Json, Reader};
use crate::text;

/// Maximum number of tags of one task.
const MAX_TAGS: usize = 32;

/// The tags of a task: up to 32, without duplicates, in the order of the request. Of tags that differ in case alone, the first stays.
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
        let mut known = HashSet::new();
        for (index, item) in items.into_iter().enumerate() {
            match parse(&format!("{pointer}/{index}"), item) {
                Ok(tag) if !known.insert(text::without_case(&tag)) => {}
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

/// Parses one tag: 1 to 64 characters, not all of them invisible. The result has no blanks around it and is in Normalization Form C.
///
/// # Errors
/// One fault at `pointer`.
pub fn parse(pointer: &str, value: Json) -> Result<String, Vec<Fault>> {
    let tag = json::text(pointer, value, 1, 64)?;
    if text::is_blank(&tag) {
        return Err(vec![Fault::new(pointer, "must not be blank")]);
    }
    Ok(text::composed(text::trimmed(&tag)))
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
    fn tags_that_differ_in_case_alone_are_one() {
        let body = r#"[" Home","home","HOME\u200b","cafe\u0301","CAF\u00c9","Straße","STRASSE"]"#;
        let tags = Tags::parse("/tags", Json::parse(body.as_bytes()).unwrap());
        assert_eq!(tags.unwrap().into_vec(), ["Home", "caf\u{e9}", "Straße"]);
        for blank in ["\u{200b}", "\u{ad}", "\u{2800}", " \u{3164}"] {
            assert!(
                new_name(&format!(r#"{{"name":"{blank}"}}"#)).is_err(),
                "{blank}"
            );
        }
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

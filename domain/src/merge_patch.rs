//! JSON Merge Patch (RFC 7396).

use crate::json::Json;

/// Applies a patch: members of objects replace those of `target`, null removes a member, and anything else replaces the whole value
/// (RFC 7396, section 2).
#[must_use]
pub fn merge(target: Json, patch: Json) -> Json {
    let Json::Object(changes) = patch else {
        return patch;
    };
    let mut members = match target {
        Json::Object(members) => members,
        _ => Vec::new(),
    };
    for (name, change) in changes {
        let place = members.iter().position(|(member, _)| *member == name);
        match (place, change) {
            (Some(index), Json::Null) => drop(members.remove(index)),
            (None, Json::Null) => {}
            (Some(index), change) => {
                if let Some((_, value)) = members.get_mut(index) {
                    *value = merge(std::mem::replace(value, Json::Null), change);
                }
            }
            (None, change) => members.push((name, merge(Json::Null, change))),
        }
    }
    Json::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7396, appendix A, and an unchanged member before a changed one.
    #[test]
    fn patches_are_applied_as_in_the_rfc() {
        let json = |text: &str| Json::parse(text.as_bytes()).unwrap();
        for (target, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (
                r#"{"a":1,"b":{"c":2,"d":3}}"#,
                r#"{"b":{"d":4}}"#,
                r#"{"a":1,"b":{"c":2,"d":4}}"#,
            ),
        ] {
            assert_eq!(
                merge(json(target), json(patch)),
                json(result),
                "{target} {patch}"
            );
        }
    }
}

//! Strict parsing of JSON from clients: duplicate members are errors, and each fault has a JSON Pointer.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A fault of a document: what is wrong (`detail`) and where (`pointer`, RFC 6901; the empty pointer is the whole document).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub pointer: String,
    pub detail: String,
}

impl Fault {
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// A JSON value. Objects keep the order of their members and have no duplicate members.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a document.
    ///
    /// # Errors
    /// The error of serde_json, with line and column.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl From<Json> for serde_json::Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => Self::Number(number),
            Json::Text(text) => Self::String(text),
            Json::List(items) => items.into_iter().map(Self::from).collect(),
            Json::Object(members) => members
                .into_iter()
                .map(|(name, value)| (name, Self::from(value)))
                .collect(),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrictVisitor;

        impl<'de> Visitor<'de> for StrictVisitor {
            type Value = Json;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
                Ok(Json::Number(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(number.into()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Json, E> {
                serde_json::Number::from_f64(number)
                    .map(Json::Number)
                    .ok_or_else(|| E::custom("a number that is not finite"))
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Json, E> {
                Ok(Json::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
                let mut object: Vec<(String, Json)> = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((name, value)) = members.next_entry::<String, Json>()? {
                    // Two parsers of one document could each take another of the two values.
                    if !seen.insert(name.clone()) {
                        return Err(de::Error::custom(format_args!("duplicate member {name:?}")));
                    }
                    object.push((name, value));
                }
                Ok(Json::Object(object))
            }
        }

        deserializer.deserialize_any(StrictVisitor)
    }
}

/// Parses an object member by member and collects the faults. A member that is never taken is a fault, too.
pub struct Reader {
    pointer: String,
    members: Vec<(String, Json)>,
    faults: Vec<Fault>,
}

impl Reader {
    /// Starts with the object at `pointer`.
    ///
    /// # Errors
    /// One fault if the value is not an object.
    pub fn new(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        match value {
            Json::Object(members) => Ok(Self {
                pointer: pointer.to_owned(),
                members,
                faults: Vec::new(),
            }),
            other => Err(vec![Fault::new(
                pointer,
                format!("must be an object, not {}", other.kind()),
            )]),
        }
    }

    /// Removes and returns a member; `None` if it is absent.
    pub fn take(&mut self, name: &str) -> Option<Json> {
        let index = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.swap_remove(index).1)
    }

    /// Takes and parses a member. Returns `None` if it is absent or invalid, and records its faults.
    pub fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str, Json) -> Result<T, Vec<Fault>>,
    ) -> Option<T> {
        let value = self.take(name)?;
        let pointer = self.pointer_to(name);
        match parse(&pointer, value) {
            Ok(parsed) => Some(parsed),
            Err(mut faults) => {
                self.faults.append(&mut faults);
                None
            }
        }
    }

    /// Like [`Reader::optional`], but an absent member is a fault.
    pub fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str, Json) -> Result<T, Vec<Fault>>,
    ) -> Option<T> {
        if self.members.iter().all(|(member, _)| member != name) {
            self.fault(name, "is required");
            return None;
        }
        self.optional(name, parse)
    }

    /// Records a fault of a member.
    pub fn fault(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = self.pointer_to(name);
        self.faults.push(Fault::new(pointer, detail));
    }

    fn pointer_to(&self, name: &str) -> String {
        format!(
            "{}/{}",
            self.pointer,
            name.replace('~', "~0").replace('/', "~1")
        )
    }

    /// Ends the parsing.
    ///
    /// # Errors
    /// All recorded faults, and one for each member that was not taken.
    pub fn finish(mut self) -> Result<(), Vec<Fault>> {
        for (name, _) in std::mem::take(&mut self.members) {
            // A hostile document may have very many members with very long names.
            if self.faults.len() >= 20 {
                break;
            }
            let shown: String = name.chars().take(100).collect();
            self.fault(&shown, "is not a field that can be set here");
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(self.faults)
        }
    }
}

/// Makes a parser accept null, as `None`.
pub fn nullable<T>(
    parse: impl FnOnce(&str, Json) -> Result<T, Vec<Fault>>,
) -> impl FnOnce(&str, Json) -> Result<Option<T>, Vec<Fault>> {
    |pointer, value| {
        if value == Json::Null {
            Ok(None)
        } else {
            parse(pointer, value).map(Some)
        }
    }
}

/// The value of a whole number. JSON has no integer type, so 3.0 is 3 (RFC 8259, section 6). From 2^53 on, a float no longer represents
/// every integer.
pub fn whole(value: &Json) -> Option<i64> {
    let Json::Number(number) = value else {
        return None;
    };
    number.as_i64().or_else(|| {
        number
            .as_f64()
            .filter(|value| value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0)
            .map(|value| value as i64)
    })
}

/// Parses true or false.
///
/// # Errors
/// One fault at `pointer`.
pub fn boolean(pointer: &str, value: Json) -> Result<bool, Vec<Fault>> {
    match value {
        Json::Bool(value) => Ok(value),
        other => Err(vec![Fault::new(
            pointer,
            format!("must be true or false, not {}", other.kind()),
        )]),
    }
}

/// Parses a string of `min` to `max` characters. NUL is not allowed, because Postgres cannot store it.
///
/// # Errors
/// One fault at `pointer`.
pub fn text(pointer: &str, value: Json, min: usize, max: usize) -> Result<String, Vec<Fault>> {
    let text = match value {
        Json::Text(text) => text,
        other => {
            return Err(vec![Fault::new(
                pointer,
                format!("must be a string, not {}", other.kind()),
            )]);
        }
    };
    let fault = |detail: String| Err(vec![Fault::new(pointer, detail)]);
    if text.contains('\0') {
        return fault("must not contain the character NUL".to_owned());
    }
    // A character has 1 to 4 bytes, so for most texts the number of bytes shows that the limits hold.
    let length = if text.len() <= max && text.len() >= min.saturating_mul(4) {
        min
    } else {
        text.chars().count()
    };
    if length < min || length > max {
        return fault(if min == 0 {
            format!("must have at most {max} characters")
        } else {
            format!("must have {min} to {max} characters")
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_members_are_errors_at_any_depth() {
        let error = Json::parse(br#"{"a":[{"b":1,"b":2}]}"#).unwrap_err();
        assert!(error.is_data(), "{error}");
    }

    #[test]
    fn invalid_documents_are_errors_and_do_not_panic() {
        for text in [
            "",
            "{",
            "nul",
            "\"\\ud800\"",
            "1e999",
            &"[".repeat(100_000),
            "{\"a\":1}x",
            "\u{feff}{}",
        ] {
            assert!(
                Json::parse(text.as_bytes()).is_err(),
                "{}",
                &text[..text.len().min(20)]
            );
        }
        assert!(Json::parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn unknown_members_are_faults_with_escaped_pointers() {
        let mut reader = Reader::new("", Json::parse(br#"{"a/b~c":1,"x":"y"}"#).unwrap()).unwrap();
        assert_eq!(reader.take("x"), Some(Json::Text("y".to_owned())));
        assert_eq!(reader.finish().unwrap_err()[0].pointer, "/a~1b~0c");
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let json = |text: &str| Json::Text(text.to_owned());
        assert!(text("/t", json("ééé"), 1, 3).is_ok());
        assert!(text("/t", json("éééé"), 1, 3).is_err());
        assert!(text("/t", json(""), 1, 3).is_err());
        assert!(text("/t", json("é"), 2, 3).is_err());
        assert!(text("/t", json("a\0"), 1, 3).is_err());
        assert!(text("/t", Json::Null, 0, 3).is_err());
    }
}

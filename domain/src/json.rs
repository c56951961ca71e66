//! JSON from outside, read strictly: no member twice, and every fault with a pointer to where it is.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

/// What is wrong with one place of a document. The pointer is an RFC 6901 one; the empty pointer is the document.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A JSON value whose objects keep their order and have each member once.
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
    /// Reads a document. The error is serde_json's, with line and column.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// What a person calls this kind of value.
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

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strict;

        impl<'de> Visitor<'de> for Strict {
            type Value = Json;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
                Ok(Json::Bool(truth))
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
                    // Two readers of one document could each believe another of the two values.
                    if !seen.insert(name.clone()) {
                        return Err(de::Error::custom(format_args!(
                            "the member {name:?} is there twice"
                        )));
                    }
                    object.push((name, value));
                }
                Ok(Json::Object(object))
            }
        }

        deserializer.deserialize_any(Strict)
    }
}

/// An object being read: members are taken by name, faults are collected, and what nobody took is a fault too.
pub struct Reader {
    pointer: String,
    members: Vec<(String, Json)>,
    faults: Vec<Fault>,
}

impl Reader {
    /// Starts on an object at `pointer`; anything else is a fault.
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

    /// Takes a member away, or `None` where it is absent.
    pub fn take(&mut self, name: &str) -> Option<Json> {
        let place = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.swap_remove(place).1)
    }

    /// Takes a member and parses it; a fault is kept and `None` returned.
    pub fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str, Json) -> Result<T, Vec<Fault>>,
    ) -> Option<T> {
        let value = self.take(name)?;
        let pointer = self.at(name);
        match parse(&pointer, value) {
            Ok(parsed) => Some(parsed),
            Err(mut faults) => {
                self.faults.append(&mut faults);
                None
            }
        }
    }

    /// As `optional`, and absence is a fault.
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

    pub fn fault(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = self.at(name);
        self.faults.push(Fault::new(pointer, detail));
    }

    fn at(&self, name: &str) -> String {
        format!(
            "{}/{}",
            self.pointer,
            name.replace('~', "~0").replace('/', "~1")
        )
    }

    /// Ends the reading: the faults, if there were any, with one for each member that nobody asked for.
    pub fn finish(mut self) -> Result<(), Vec<Fault>> {
        for (name, _) in std::mem::take(&mut self.members) {
            // A hostile document may have very many and very long ones.
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

/// A member that may be null, which is `None`.
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

/// A string without NUL (which Postgres cannot hold) of at least `min` and at most `max` characters.
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
    // Bytes are never fewer than characters, so most texts need no counting.
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
    fn a_member_given_twice_is_refused_at_any_depth() {
        let error = Json::parse(br#"{"a":[{"b":1,"b":2}]}"#).unwrap_err();
        assert!(error.is_data(), "{error}");
    }

    #[test]
    fn hostile_documents_are_errors_and_not_panics() {
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
    fn members_nobody_takes_are_faults_with_escaped_pointers() {
        let mut reader = Reader::new("", Json::parse(br#"{"a/b~c":1,"x":"y"}"#).unwrap()).unwrap();
        assert_eq!(reader.take("x"), Some(Json::Text("y".to_owned())));
        assert_eq!(reader.finish().unwrap_err()[0].pointer, "/a~1b~0c");
    }

    #[test]
    fn lengths_count_characters() {
        let json = |text: &str| Json::Text(text.to_owned());
        assert!(text("/t", json("ééé"), 1, 3).is_ok());
        assert!(text("/t", json("éééé"), 1, 3).is_err());
        assert!(text("/t", json(""), 1, 3).is_err());
        assert!(text("/t", json("é"), 2, 3).is_err());
        assert!(text("/t", json("a\0"), 1, 3).is_err());
        assert!(text("/t", Json::Null, 0, 3).is_err());
    }
}

//! The bodies of requests about one reminder.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::{Channel, Lead, Reminder, Repeat, When, channels, instant_member, names, on_due};
use crate::json::{Fault, Json, Reader, nullable};

/// The longest time for which a reminder can be snoozed, in seconds: 31 days.
const MAX_SNOOZE: u64 = 31 * 86_400;

impl Reminder {
    /// Parses the body that adds a reminder to a task.
    ///
    /// # Errors
    /// All faults, also for an id, which only the server gives.
    pub fn parse_new(body: Json) -> Result<Self, Vec<Fault>> {
        let reminder = Self::parse("", body)?;
        match reminder.id {
            None => Ok(reminder),
            Some(_) => Err(vec![Fault::new(
                "/id",
                "is given by the server; leave it out",
            )]),
        }
    }
}

/// The members of a reminder that a merge patch (RFC 7396) sets.
#[derive(Clone, Debug, PartialEq)]
pub struct ReminderPatch(Map<String, Value>);

impl ReminderPatch {
    /// Parses the patch. One of `before`, `at` and `on` replaces the others.
    ///
    /// # Errors
    /// All faults of the body.
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let before = reader.optional("before", nullable(Lead::parse)).flatten();
        let on = reader.optional("on", nullable(on_due)).flatten();
        let at = reader.optional("at", nullable(instant_member)).flatten();
        let channels: Option<Option<Vec<Channel>>> =
            reader.optional("channels", nullable(channels));
        let repeat = reader.optional("repeat", nullable(Repeat::parse));
        reader.finish()?;
        let when = match (before, on, at) {
            (None, None, None) => None,
            (Some(lead), None, None) | (None, Some(lead), None) => Some(When::Before(lead)),
            (None, None, Some(at)) => Some(When::At(at)),
            _ => {
                return Err(vec![Fault::new(
                    "",
                    "must have only one of `before`, `at` and `on`",
                )]);
            }
        };
        let mut members = Map::new();
        if let Some(when) = when {
            members.extend(when.members());
        }
        if let Some(channels) = channels {
            members.insert("channels".to_owned(), json!(channels.as_deref().map(names)));
        }
        if let Some(repeat) = repeat {
            let repeat = repeat.map(|repeat| repeat.to_string());
            members.insert("repeat".to_owned(), json!(repeat));
        }
        Ok(Self(members))
    }

    /// The members as a JSON object.
    pub fn into_json(self) -> Value {
        Value::Object(self.0)
    }
}

/// Parses the body that snoozes a reminder: `{"for":"PT10M"}` or `{"until":"2026-03-01T08:00:00Z"}`. Returns the duration or the
/// instant.
///
/// # Errors
/// All faults of the body.
pub fn snooze(body: Json) -> Result<String, Vec<Fault>> {
    let mut reader = Reader::new("", body)?;
    let length = reader.optional("for", Lead::parse);
    let until = reader.optional("until", instant_member);
    reader.finish()?;
    match (length, until) {
        (Some(length), None) => {
            let seconds = u64::from(length.days()) * 86_400 + u64::from(length.seconds());
            if (1..=MAX_SNOOZE).contains(&seconds) {
                Ok(length.to_string())
            } else {
                Err(vec![Fault::new(
                    "/for",
                    "must be longer than nothing, and at most 31 days",
                )])
            }
        }
        (None, Some(until)) => Ok(until.to_rfc3339_opts(SecondsFormat::Micros, true)),
        _ => Err(vec![Fault::new(
            "",
            "must have either `for`, such as PT10M, or `until`, such as 2026-03-01T08:00:00Z",
        )]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_patch_sets_what_it_has() {
        let patch =
            |text| ReminderPatch::parse(json(text)).map(|patch| patch.into_json().to_string());
        assert_eq!(patch("{}").unwrap(), "{}");
        assert_eq!(
            patch(r#"{"on":"due","channels":null}"#).unwrap(),
            r#"{"at":null,"before":null,"channels":null,"on":"due"}"#
        );
        assert_eq!(
            patch(r#"{"repeat":"PT5M"}"#).unwrap(),
            r#"{"repeat":"PT5M"}"#
        );
        for wrong in [
            r#"{"on":"due","before":"PT5M"}"#,
            r#"{"state":"fired"}"#,
            r#"{"before":"5M"}"#,
            "7",
        ] {
            assert!(patch(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_snooze_has_a_length_or_an_end() {
        assert_eq!(snooze(json(r#"{"for":"PT10M"}"#)).unwrap(), "PT10M");
        assert_eq!(
            snooze(json(r#"{"until":"2026-03-01T09:00:00+01:00"}"#)).unwrap(),
            "2026-03-01T08:00:00.000000Z"
        );
        for wrong in [
            "{}",
            r#"{"for":"PT0S"}"#,
            r#"{"for":"P32D"}"#,
            r#"{"for":"PT1H","until":"2026-03-01T08:00:00Z"}"#,
        ] {
            assert!(snooze(json(wrong)).is_err(), "{wrong}");
        }
    }
}

//! Due dates: a date, a wall-clock time in a timezone, or an instant. Each is stored in the form in which the client sent it.

use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, SecondsFormat, Timelike, Utc,
};
use chrono_tz::Tz;
use serde_json::json;

use crate::json::{Fault, Json, Reader, text};
use crate::zone::{OTHER_YEAR, YEARS, end_of_day, resolve_local, timezone};

/// A due date of one of three kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A day in the timezone of the task's owner.
    Date(NaiveDate),
    /// A wall-clock time. Its instant changes if the rules of the timezone change.
    Local {
        datetime: NaiveDateTime,
        timezone: Tz,
    },
    /// A point in time, with the offset that the client sent.
    Instant(DateTime<FixedOffset>),
}

impl Due {
    /// Parses `{"date"}`, `{"datetime","timezone"}`, or `{"datetime"}` with an offset.
    ///
    /// # Errors
    /// All faults, with pointers below `pointer`.
    pub fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(pointer, value)?;
        let members = (
            reader.optional("date", date_member),
            reader.optional("datetime", |at, value| text(at, value, 1, 40)),
            reader.optional("timezone", timezone),
        );
        reader.finish()?;
        let fault =
            |name: &str, detail: &str| Err(vec![Fault::new(format!("{pointer}{name}"), detail)]);
        match members {
            (Some(date), None, None) => Ok(Self::Date(date)),
            (Some(_), _, _) => fault("", "must have either `date` alone or `datetime`"),
            (None, None, _) => fault("", "needs `date` or `datetime`"),
            (None, Some(written), Some(timezone)) => match local(&written) {
                Some(datetime) if YEARS.contains(&datetime.year()) => {
                    Ok(Self::Local { datetime, timezone })
                }
                Some(_) => fault("/datetime", OTHER_YEAR),
                None => fault(
                    "/datetime",
                    "must be like 2026-03-01T09:00:00, without an offset, if there is a timezone",
                ),
            },
            (None, Some(written), None) => match instant(&written) {
                Some(instant) => Ok(Self::Instant(instant)),
                None if local(&written).is_some() => fault(
                    "/timezone",
                    "is required if `datetime` has no offset such as Z at its end",
                ),
                None => fault(
                    "/datetime",
                    "must be like 2026-03-01T09:00:00 with a timezone, or 2026-03-01T08:00:00Z",
                ),
            },
        }
    }

    /// The JSON that is stored and sent to clients. Equal due dates have equal texts.
    pub fn to_json(&self) -> String {
        match self {
            Self::Date(date) => json!({ "date": date.format("%Y-%m-%d").to_string() }),
            Self::Local { datetime, timezone } => json!({
                "datetime": datetime.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
                "timezone": timezone.name(),
            }),
            Self::Instant(instant) => {
                json!({ "datetime": instant.to_rfc3339_opts(SecondsFormat::AutoSi, true) })
            }
        }
        .to_string()
    }

    /// The instant, or `None` for a date, which depends on the timezone of the task's owner.
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Date(_) => None,
            Self::Local { datetime, timezone } => Some(resolve_local(*datetime, *timezone)),
            Self::Instant(instant) => Some(instant.with_timezone(&Utc)),
        }
    }

    /// The instant for an owner in `zone`. A date is due in the last microsecond of its day.
    pub fn instant_in(&self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Date(date) => end_of_day(*date, zone),
            Self::Local { datetime, timezone } => resolve_local(*datetime, *timezone),
            Self::Instant(instant) => instant.with_timezone(&Utc),
        }
    }
}

/// A due date in a merge patch (RFC 7396).
#[derive(Clone, Debug, PartialEq)]
pub enum DuePatch {
    /// A complete due date, which replaces the current one. The patch need not set the members of other kinds to null, because a
    /// due date never has members of two kinds.
    Whole(Due),
    /// Members that change the current due date: the timezone without the time, or the time without the timezone.
    Part(Vec<(String, Json)>),
}

impl DuePatch {
    /// Parses a due date of a patch.
    ///
    /// # Errors
    /// All faults, with pointers below `pointer`.
    pub fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let Json::Object(members) = value else {
            return Due::parse(pointer, value).map(Self::Whole);
        };
        let present: Vec<_> = members
            .iter()
            .filter(|(_, value)| *value != Json::Null)
            .cloned()
            .collect();
        let is_part = present
            .iter()
            .all(|(name, value)| match (name.as_str(), value) {
                ("timezone", name) => timezone("", name.clone()).is_ok(),
                ("datetime", Json::Text(written)) => local(written).is_some(),
                _ => false,
            });
        match Due::parse(pointer, Json::Object(present)) {
            Ok(due) => Ok(Self::Whole(due)),
            Err(_) if is_part => Ok(Self::Part(members)),
            Err(faults) => Err(faults),
        }
    }

    /// Applies the patch to the current due date, which is stored JSON (see [`Due::to_json`]).
    ///
    /// # Errors
    /// All faults of the resulting due date.
    pub fn apply(self, pointer: &str, current: Option<&str>) -> Result<Due, Vec<Fault>> {
        let changes = match self {
            Self::Whole(due) => return Ok(due),
            Self::Part(changes) => changes,
        };
        let current = current.and_then(|text| Json::parse(text.as_bytes()).ok());
        let mut members = match current {
            Some(Json::Object(members)) => members,
            _ => Vec::new(),
        };
        for (name, value) in changes {
            members.retain(|(member, _)| *member != name);
            if value != Json::Null {
                members.push((name, value));
            }
        }
        Due::parse(pointer, Json::Object(members))
    }
}

fn date_member(pointer: &str, value: Json) -> Result<NaiveDate, Vec<Fault>> {
    let written = text(pointer, value, 1, 40)?;
    let detail = match any_date(&written) {
        Some(date) if YEARS.contains(&date.year()) => return Ok(date),
        Some(_) => OTHER_YEAR,
        None => "must be a date like 2026-03-01",
    };
    Err(vec![Fault::new(pointer, detail)])
}

/// Parses a date like `2026-03-01` of a year that due dates may have.
pub fn date(written: &str) -> Option<NaiveDate> {
    any_date(written).filter(|date| YEARS.contains(&date.year()))
}

fn any_date(written: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(written, "%Y-%m-%d")
        .ok()
        // chrono also accepts signs and spaces in place of digits.
        .filter(|date| written.len() == 10 && date.to_string() == written)
}

/// Parses a date and time without an offset, with the digits of [`instant`].
pub(crate) fn local(written: &str) -> Option<NaiveDateTime> {
    // 19 characters, or up to nine more digits for fractions of a second.
    let fits = written.len() == 19 || (21..=29).contains(&written.len());
    NaiveDateTime::parse_from_str(written, "%Y-%m-%dT%H:%M:%S%.f")
        .ok()
        .filter(|datetime| {
            fits && is_precise(datetime.nanosecond())
                // chrono also accepts signs and spaces in place of digits.
                && written.starts_with(&datetime.format("%Y-%m-%dT%H:%M:%S").to_string())
        })
}

/// Parses an RFC 3339 timestamp with at most microseconds.
pub fn instant(written: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(written)
        .ok()
        .filter(|instant| {
            // chrono also accepts U+2212 as a minus sign and a space in place of the T, and ignores digits after nanoseconds.
            written.is_ascii()
                && !written.contains(' ')
                && written.len() <= 35
                && (1900..=9998).contains(&instant.year())
                && is_precise(instant.nanosecond())
        })
}

/// Whether a fraction of a second has the precision of the database, and is not that of a leap second. Zeros may follow the
/// microseconds.
fn is_precise(nanoseconds: u32) -> bool {
    nanoseconds < 1_000_000_000 && nanoseconds.is_multiple_of(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(json: &str) -> Result<Due, Vec<Fault>> {
        Due::parse("/due", Json::parse(json.as_bytes()).unwrap())
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn each_kind_is_stored_unchanged() {
        for text in [
            r#"{"date":"2026-03-01"}"#,
            r#"{"datetime":"2026-03-01T09:00:00","timezone":"Europe/Berlin"}"#,
            r#"{"datetime":"2026-03-01T08:00:00Z"}"#,
            r#"{"datetime":"2026-03-01T08:00:00.123456+02:00"}"#,
        ] {
            assert_eq!(due(text).unwrap().to_json(), text);
        }
    }

    #[test]
    fn zeros_may_follow_the_microseconds() {
        for (written, stored) in [
            ("2026-07-25T04:10:00.0000000", "2026-07-25T04:10:00"),
            ("2026-07-25T04:10:00.1234560", "2026-07-25T04:10:00.123456"),
            ("2026-07-25T04:10:00.100000000", "2026-07-25T04:10:00.100"),
        ] {
            let local = due(&format!(
                r#"{{"datetime":"{written}","timezone":"Europe/Berlin"}}"#
            ));
            let expected = format!(r#"{{"datetime":"{stored}","timezone":"Europe/Berlin"}}"#);
            assert_eq!(local.unwrap().to_json(), expected);
            let instant = due(&format!(r#"{{"datetime":"{written}Z"}}"#)).unwrap();
            assert_eq!(instant.to_json(), format!(r#"{{"datetime":"{stored}Z"}}"#));
        }
    }

    #[test]
    fn an_invalid_due_date_is_a_fault_with_a_pointer() {
        for (text, pointer) in [
            ("{}", "/due"),
            ("[]", "/due"),
            ("\"2026-03-01\"", "/due"),
            (r#"{"date":"2026-02-30"}"#, "/due/date"),
            (r#"{"date":"26-02-3"}"#, "/due/date"),
            (r#"{"date":"99999-01-01"}"#, "/due/date"),
            (r#"{"date":5}"#, "/due/date"),
            (
                r#"{"date":"2026-03-01","datetime":"2026-03-01T08:00:00Z"}"#,
                "/due",
            ),
            (r#"{"datetime":"2026-03-01T09:00:00"}"#, "/due/timezone"),
            (
                r#"{"datetime":"2026-03-01T09:00:00Z","timezone":"Europe/Berlin"}"#,
                "/due/datetime",
            ),
            (
                r#"{"datetime":"2026-03-01T09:00:00","timezone":"Mars/Base"}"#,
                "/due/timezone",
            ),
            (r#"{"datetime":"2026-03-01T09:00:60Z"}"#, "/due/datetime"),
            (r#"{"datetime":"tomorrow"}"#, "/due/datetime"),
            (
                r#"{"datetime":"2026-03-01T09:00:00.1234567Z"}"#,
                "/due/datetime",
            ),
            (r#"{"date":"2026-03-01","hour":9}"#, "/due/hour"),
            (r#"{"date":"1969-12-31"}"#, "/due/date"),
            (r#"{"date":"2100-01-01"}"#, "/due/date"),
            (
                r#"{"datetime":"2100-01-01T00:00:00","timezone":"Europe/Berlin"}"#,
                "/due/datetime",
            ),
            (
                r#"{"datetime":"2026-03-01 09:00:00","timezone":"Europe/Berlin"}"#,
                "/due/datetime",
            ),
            (r#"{"datetime":"2026-03-01 09:00:00Z"}"#, "/due/datetime"),
            (
                r#"{"datetime":"2026-03-01T09:00:00.0000001","timezone":"Europe/Berlin"}"#,
                "/due/datetime",
            ),
        ] {
            assert_eq!(due(text).unwrap_err()[0].pointer, pointer, "{text}");
        }
    }

    #[test]
    fn a_patch_may_change_a_part() {
        let patch = |text: &str, current: Option<&str>| {
            DuePatch::parse("/due", Json::parse(text.as_bytes()).unwrap())
                .and_then(|patch| patch.apply("/due", current))
                .map(|due| due.to_json())
        };
        let berlin = r#"{"datetime":"2026-03-01T09:00:00","timezone":"Europe/Berlin"}"#;
        let date = r#"{"date":"2026-03-01"}"#;
        assert_eq!(
            patch(r#"{"timezone":"Asia/Tokyo"}"#, Some(berlin)).unwrap(),
            r#"{"datetime":"2026-03-01T09:00:00","timezone":"Asia/Tokyo"}"#
        );
        assert_eq!(
            patch(r#"{"datetime":"2026-04-01T09:00:00"}"#, Some(berlin)).unwrap(),
            r#"{"datetime":"2026-04-01T09:00:00","timezone":"Europe/Berlin"}"#
        );
        assert_eq!(patch(date, Some(berlin)).unwrap(), date);
        assert_eq!(
            patch(
                r#"{"date":"2026-03-01","datetime":null,"timezone":null}"#,
                Some(berlin)
            )
            .unwrap(),
            date
        );
        assert_eq!(patch("{}", Some(date)).unwrap(), date);
        for (text, current) in [
            ("{}", None),
            (r#"{"timezone":"Asia/Tokyo"}"#, None),
            (r#"{"timezone":"Asia/Tokyo"}"#, Some(date)),
            (r#"{"timezone":null}"#, Some(berlin)),
            (r#"{"timezone":"Mars/Base"}"#, Some(berlin)),
            (r#"{"datetime":"soon"}"#, Some(berlin)),
            (r#"{"moon":"full"}"#, Some(berlin)),
        ] {
            assert!(patch(text, current).is_err(), "{text}");
        }
    }

    #[test]
    fn a_date_is_due_at_the_end_of_its_owners_day() {
        let date = due(r#"{"date":"2026-03-01"}"#).unwrap();
        assert_eq!(date.instant(), None);
        assert_eq!(
            date.instant_in(Tz::Asia__Tokyo),
            utc("2026-03-01T14:59:59.999999Z")
        );
    }
}

//! Quiet hours: the time of each day in which no reminder may disturb its user.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::json::{Fault, Json, Reader, text};
use crate::text_enum::text_enum;
use crate::zone::resolve_local;

text_enum!(
    /// What happens to a reminder in quiet hours: it comes when they end, or not at all.
    QuietMode { Defer = "defer", Drop = "drop" }
);

/// Quiet hours, on the wall clock of the user. They begin at `from`, end before `to`, and pass midnight if `to` is the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    from: NaiveTime,
    to: NaiveTime,
    mode: QuietMode,
}

impl Quiet {
    /// Parses `{"from":"22:00","to":"07:00","mode":"defer"}`. Without `mode`, reminders are deferred.
    ///
    /// # Errors
    /// All faults, with pointers below `pointer`.
    pub fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(pointer, value)?;
        let from = reader.required("from", time_of_day);
        let to = reader.required("to", time_of_day);
        let mode = reader.optional("mode", QuietMode::parse);
        if from.is_some() && from == to {
            reader.fault("to", "must differ from `from`");
        }
        reader.finish()?;
        match (from, to) {
            (Some(from), Some(to)) => Ok(Self {
                from,
                to,
                mode: mode.unwrap_or(QuietMode::Defer),
            }),
            _ => Err(vec![Fault::new(pointer, "needs `from` and `to`")]),
        }
    }

    #[must_use]
    pub fn mode(&self) -> QuietMode {
        self.mode
    }

    pub(super) fn to_json(self) -> Value {
        json!({
            "from": print_time(self.from),
            "to": print_time(self.to),
            "mode": self.mode.as_str(),
        })
    }

    /// When the quiet hours that begin on a day begin and end. Where the clocks change, [`resolve_local`] says which instants count.
    fn of_day(&self, day: NaiveDate, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
        let last = match self.from < self.to {
            true => day,
            false => day.succ_opt().unwrap_or(day),
        };
        (
            resolve_local(day.and_time(self.from), zone),
            resolve_local(last.and_time(self.to), zone),
        )
    }
}

/// The end of the quiet hours that `at` lies in, or `None` if it lies in none. The end is never quiet itself.
#[must_use]
pub fn quiet_until(at: DateTime<Utc>, zone: Tz, quiet: &Quiet) -> Option<DateTime<Utc>> {
    let today = at.with_timezone(&zone).date_naive();
    let days = [
        today.checked_sub_days(Days::new(1)),
        Some(today),
        today.succ_opt(),
    ];
    let mut until = at;
    for (from, to) in days
        .into_iter()
        .flatten()
        .map(|day| quiet.of_day(day, zone))
    {
        // A change of clocks can swallow the time between two nights.
        if from <= until && until < to {
            until = to;
        }
    }
    (until > at).then_some(until)
}

/// Parses a time of day, `00:00` to `23:59`.
///
/// # Errors
/// One fault at `pointer`.
pub(super) fn time_of_day(pointer: &str, value: Json) -> Result<NaiveTime, Vec<Fault>> {
    let written = text(pointer, value, 1, 40)?;
    NaiveTime::parse_from_str(&written, "%H:%M")
        .ok()
        // chrono also accepts signs and spaces in place of digits.
        .filter(|time| print_time(*time) == written)
        .ok_or_else(|| {
            let detail = "must be a time of day like 09:00, from 00:00 to 23:59";
            vec![Fault::new(pointer, detail)]
        })
}

pub(super) fn print_time(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn parse(text: &str) -> Result<Quiet, Vec<Fault>> {
        Quiet::parse("/quiet", Json::parse(text.as_bytes()).unwrap())
    }

    fn hours(from: &str, to: &str) -> Quiet {
        parse(&format!(r#"{{"from":"{from}","to":"{to}"}}"#)).unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_may_pass_midnight() {
        let night = hours("22:00", "07:00");
        let noon = hours("12:00", "13:30");
        for (quiet, at, until) in [
            (night, "2026-06-01T19:59:59Z", None),
            (night, "2026-06-01T20:00:00Z", Some("2026-06-02T05:00:00Z")),
            (night, "2026-06-01T22:30:00Z", Some("2026-06-02T05:00:00Z")),
            (
                night,
                "2026-06-02T04:59:59.999Z",
                Some("2026-06-02T05:00:00Z"),
            ),
            (night, "2026-06-02T05:00:00Z", None),
            (noon, "2026-06-01T09:59:00Z", None),
            (noon, "2026-06-01T10:00:00Z", Some("2026-06-01T11:30:00Z")),
            (noon, "2026-06-01T11:30:00Z", None),
        ] {
            assert_eq!(
                quiet_until(utc(at), Tz::Europe__Berlin, &quiet),
                until.map(utc),
                "{quiet:?} {at}"
            );
        }
    }

    #[test]
    fn the_window_follows_the_wall_clock_when_the_clocks_change() {
        for (zone, from, to, at, until) in [
            // The night with 23 hours, and the one with 25.
            (
                Tz::Europe__Berlin,
                "22:00",
                "07:00",
                "2026-03-28T21:00:00Z",
                Some("2026-03-29T05:00:00Z"),
            ),
            (
                Tz::Europe__Berlin,
                "22:00",
                "07:00",
                "2026-10-24T20:00:00Z",
                Some("2026-10-25T06:00:00Z"),
            ),
            // The end is in a gap.
            (
                Tz::Europe__Berlin,
                "22:00",
                "02:30",
                "2026-03-29T00:30:00Z",
                Some("2026-03-29T01:00:00Z"),
            ),
            // The end occurs twice, and the first counts. The second 02:15 is after it.
            (
                Tz::Europe__Berlin,
                "22:00",
                "02:30",
                "2026-10-25T00:15:00Z",
                Some("2026-10-25T00:30:00Z"),
            ),
            (
                Tz::Europe__Berlin,
                "22:00",
                "02:30",
                "2026-10-25T01:15:00Z",
                None,
            ),
            // The whole window is in a gap.
            (
                Tz::Europe__Berlin,
                "02:10",
                "02:50",
                "2026-03-29T01:00:00Z",
                None,
            ),
            // The gap swallows the time between two windows.
            (
                Tz::Europe__Berlin,
                "03:00",
                "02:30",
                "2026-03-28T12:00:00Z",
                Some("2026-03-30T00:30:00Z"),
            ),
            // St. John's turned its clocks back at 00:01, so midnight came twice.
            (
                Tz::America__St_Johns,
                "00:00",
                "06:00",
                "2010-11-07T02:45:00Z",
                Some("2010-11-07T09:30:00Z"),
            ),
            // Samoa had no 30 December 2011.
            (
                Tz::Pacific__Apia,
                "22:00",
                "07:00",
                "2011-12-30T09:30:00Z",
                Some("2011-12-30T17:00:00Z"),
            ),
        ] {
            assert_eq!(
                quiet_until(utc(at), zone, &hours(from, to)),
                until.map(utc),
                "{zone} {from} {to} {at}"
            );
        }
    }

    /// Where no clocks change, the windows are those of the clock's hands.
    #[test]
    fn each_minute_of_a_day_is_quiet_or_not() {
        let day = utc("2026-06-01T00:00:00Z");
        for (from, to) in [("22:00", "07:00"), ("00:00", "23:59"), ("23:59", "00:00")] {
            let quiet = hours(from, to);
            for minute in 0..1440 {
                let at = day + TimeDelta::minutes(minute);
                let clock = at.format("%H:%M").to_string();
                let is_quiet = match from < to {
                    true => from <= clock.as_str() && clock.as_str() < to,
                    false => from <= clock.as_str() || clock.as_str() < to,
                };
                let until = quiet_until(at, Tz::UTC, &quiet);
                assert_eq!(until.is_some(), is_quiet, "{from} {to} {clock}");
                if let Some(until) = until {
                    assert_eq!(until.format("%H:%M").to_string(), to);
                    assert_eq!(quiet_until(until, Tz::UTC, &quiet), None);
                }
            }
        }
    }

    #[test]
    fn faults_name_the_member() {
        for (wrong, pointer) in [
            ("[]", "/quiet"),
            (r#"{"to":"07:00"}"#, "/quiet/from"),
            (r#"{"from":"7:00","to":"08:00"}"#, "/quiet/from"),
            (r#"{"from":"24:00","to":"08:00"}"#, "/quiet/from"),
            (r#"{"from":"22:00","to":"07:00:00"}"#, "/quiet/to"),
            (r#"{"from":"22:00","to":" 7:00"}"#, "/quiet/to"),
            (r#"{"from":"22:00","to":700}"#, "/quiet/to"),
            (r#"{"from":"22:00","to":"22:00"}"#, "/quiet/to"),
            (r#"{"from":"22:00","to":"07:00","mode":"x"}"#, "/quiet/mode"),
            (r#"{"from":"22:00","to":"07:00","days":1}"#, "/quiet/days"),
        ] {
            assert_eq!(parse(wrong).unwrap_err()[0].pointer, pointer, "{wrong}");
        }
    }
}

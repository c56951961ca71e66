//! Durations of reminders, as ISO 8601 writes them: `PT30M`, `P1DT2H`, `P1W`.

use std::fmt;

use chrono::{DateTime, Days, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::json::{Fault, Json, text};
use crate::zone::resolve_local;

const DAY: u64 = 86_400;

/// The longest lead, in days.
const MAX_DAYS: u64 = 366;

/// How long before the due a reminder fires, 0 to 366 days. Days count on the calendar and seconds are exact, as in RFC 5545, section
/// 3.3.6: a day before 09:00 is 09:00, also if the clocks change in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lead {
    days: u32,
    seconds: u32,
}

impl Lead {
    /// A lead of calendar days and exact seconds. `None` if it is longer than 366 days.
    #[must_use]
    pub fn new(days: u64, seconds: u64) -> Option<Self> {
        let total = days.checked_mul(DAY)?.checked_add(seconds)?;
        if total > MAX_DAYS * DAY {
            return None;
        }
        Some(Self {
            days: u32::try_from(days).ok()?,
            seconds: u32::try_from(seconds).ok()?,
        })
    }

    /// Parses a duration of weeks, days, hours, minutes and seconds in whole numbers.
    ///
    /// # Errors
    /// One fault at `pointer`.
    pub fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let (days, seconds) = days_and_seconds(pointer, value)?;
        Self::new(days, seconds).ok_or_else(|| {
            let detail = format!("must be at most {MAX_DAYS} days");
            vec![Fault::new(pointer, detail)]
        })
    }

    /// The part that counts on the calendar.
    #[must_use]
    pub fn days(self) -> u32 {
        self.days
    }

    /// The exact part, in seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.seconds
    }

    /// Whether the reminder fires when the task is due.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// The instant that lies this lead before a wall-clock time.
    #[must_use]
    pub fn before(self, wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
        let day = wall
            .checked_sub_days(Days::new(self.days.into()))
            .unwrap_or(wall);
        resolve_local(day, zone) - self.exact()
    }

    /// The exact part.
    pub(super) fn exact(self) -> TimeDelta {
        TimeDelta::seconds(self.seconds.into())
    }
}

/// The normal form: weeks become days, because both count on the calendar, and seconds become minutes and hours. Hours stay hours,
/// because `PT24H` is not `P1D`. `PT0S` is nothing.
impl fmt::Display for Lead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("P")?;
        if self.days > 0 {
            write!(formatter, "{}D", self.days)?;
        }
        if self.seconds > 0 || self.days == 0 {
            time_part(formatter, self.seconds)?;
        }
        Ok(())
    }
}

fn time_part(formatter: &mut fmt::Formatter<'_>, seconds: u32) -> fmt::Result {
    formatter.write_str("T")?;
    for (number, unit) in [
        (seconds / 3600, 'H'),
        (seconds / 60 % 60, 'M'),
        (seconds % 60, 'S'),
    ] {
        if number > 0 || (seconds == 0 && unit == 'S') {
            write!(formatter, "{number}{unit}")?;
        }
    }
    Ok(())
}

/// The time between two notifications of a reminder that nobody acknowledges: 1 minute to 1 day, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    seconds: u32,
}

impl Repeat {
    /// Parses a duration. A day has 24 hours here.
    ///
    /// # Errors
    /// One fault at `pointer`.
    pub fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let (days, seconds) = days_and_seconds(pointer, value)?;
        let total = days.saturating_mul(DAY).saturating_add(seconds);
        match u32::try_from(total) {
            Ok(seconds) if (60..=DAY).contains(&total) => Ok(Self { seconds }),
            _ => {
                let detail = "must be 1 minute (PT1M) to 1 day (PT24H)";
                Err(vec![Fault::new(pointer, detail)])
            }
        }
    }

    #[must_use]
    pub fn seconds(self) -> u32 {
        self.seconds
    }
}

impl fmt::Display for Repeat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("P")?;
        time_part(formatter, self.seconds)
    }
}

/// Parses a duration: its days, where a week has seven, and its seconds.
fn days_and_seconds(pointer: &str, value: Json) -> Result<(u64, u64), Vec<Fault>> {
    let written = text(pointer, value, 1, 64)?;
    duration(&written).ok_or_else(|| vec![Fault::new(pointer, not_a_duration(&written))])
}

fn duration(written: &str) -> Option<(u64, u64)> {
    let parts = written.strip_prefix('P')?;
    let (date, time) = match parts.split_once('T') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None if parts.is_empty() => return None,
        None => (parts, ""),
    };
    let [weeks, days] = numbers(date, ['W', 'D'])?;
    let [hours, minutes, seconds] = numbers(time, ['H', 'M', 'S'])?;
    Some((weeks * 7 + days, hours * 3600 + minutes * 60 + seconds))
}

/// The numbers before `units`, which must be in this order. The number of a unit that is absent is 0.
fn numbers<const N: usize>(text: &str, units: [char; N]) -> Option<[u64; N]> {
    let (mut rest, mut numbers) = (text, [0; N]);
    for (number, unit) in numbers.iter_mut().zip(units) {
        if let Some((digits, after)) = rest.split_once(unit) {
            // `parse` also accepts a sign. Nine digits cannot overflow.
            if digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            (*number, rest) = (digits.parse().ok()?, after);
        }
    }
    rest.is_empty().then_some(numbers)
}

/// What is wrong with a text that is not a duration.
fn not_a_duration(written: &str) -> &'static str {
    let date = written.split('T').next().unwrap_or(written);
    if written.contains('-') {
        "must not be negative; use `at` for a reminder after the due"
    } else if date.starts_with('P') && date.contains(['Y', 'M']) {
        "must not count years or months, whose lengths differ; use days, such as P30D"
    } else if written.contains(['.', ',']) {
        "must not have fractions; use smaller units, such as PT90M"
    } else {
        "must be a duration of weeks, days, hours, minutes and seconds as in ISO 8601, such as PT30M, P1D or P1DT2H"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(written: &str) -> Result<Lead, String> {
        Lead::parse("/before", Json::Text(written.to_owned())).map_err(|faults| {
            assert_eq!(faults[0].pointer, "/before");
            faults[0].detail.clone()
        })
    }

    #[test]
    fn durations_have_a_normal_form() {
        for (written, normal) in [
            ("PT30M", "PT30M"),
            ("PT90M", "PT1H30M"),
            ("PT3600S", "PT1H"),
            ("PT3661S", "PT1H1M1S"),
            ("P1D", "P1D"),
            ("PT24H", "PT24H"),
            ("P1W", "P7D"),
            ("P1W2DT3H4M5S", "P9DT3H4M5S"),
            ("P1DT0S", "P1D"),
            ("P0D", "PT0S"),
            ("PT0S", "PT0S"),
            ("P366D", "P366D"),
            ("PT8784H", "PT8784H"),
            ("P007D", "P7D"),
        ] {
            let parsed = lead(written).unwrap();
            assert_eq!(parsed.to_string(), normal, "{written}");
            assert_eq!(lead(normal).unwrap(), parsed, "{written}");
            let stored = Lead::new(parsed.days().into(), parsed.seconds().into());
            assert_eq!(stored, Some(parsed));
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused_with_the_reason() {
        let general = "such as PT30M";
        for (wrong, reason) in [
            ("", "1 to 64 characters"),
            ("P", general),
            ("PT", general),
            ("P1DT", general),
            ("1D", general),
            ("30M", general),
            ("PT30", general),
            ("PTM", general),
            ("P1D2W", general),
            ("PT1S1M", general),
            ("PT1H1H", general),
            ("P1H", general),
            ("PT1D", general),
            ("pt30m", general),
            (" PT30M", general),
            ("PT+5M", general),
            ("PT٣M", general),
            ("PT1234567890S", general),
            ("P1M", "years or months"),
            ("P1Y2DT1M", "years or months"),
            ("PT1.5H", "fractions"),
            ("PT1,5H", "fractions"),
            ("-PT5M", "negative"),
            ("PT-5M", "negative"),
            ("P367D", "at most 366 days"),
            ("P366DT1S", "at most 366 days"),
            ("P999999999W", "at most 366 days"),
            ("PT999999999H", "at most 366 days"),
        ] {
            let detail = lead(wrong).unwrap_err();
            assert!(detail.contains(reason), "{wrong}: {detail}");
        }
        assert!(Lead::parse("/before", Json::Bool(true)).is_err());
        assert_eq!(Lead::new(u64::MAX, 1), None);
    }

    #[test]
    fn a_repetition_is_a_minute_to_a_day() {
        let repeat = |written: &str| Repeat::parse("/repeat", Json::Text(written.to_owned()));
        for (written, seconds, normal) in [
            ("PT1M", 60, "PT1M"),
            ("PT600S", 600, "PT10M"),
            ("P1D", 86_400, "PT24H"),
        ] {
            let parsed = repeat(written).unwrap();
            assert_eq!(parsed.seconds(), seconds);
            assert_eq!(parsed.to_string(), normal);
        }
        for wrong in ["PT59S", "PT0S", "P1DT1S", "PT86401S", "P999999999W", "x"] {
            assert!(repeat(wrong).is_err(), "{wrong}");
        }
    }
}

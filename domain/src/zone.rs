//! Timezones: their names, the years for which their rules are known, and the instants of local times.
//!
//! Postgres computes the instant of a due date without a time (`due_at.fn.sql`), because only the database knows the timezone of
//! the task's owner. Everything else is computed here. A test compares both with the files of the timezone database.

use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
pub use chrono_tz::Tz;

use crate::json::{Fault, Json, text};

/// The years of local times and of dates. The timezone database promises nothing about the time before 1970, and its copies differ
/// there. chrono-tz knows no change of clocks after 2099.
pub const YEARS: RangeInclusive<i32> = 1970..=2099;

/// The fault of a date or local time in another year.
pub const OTHER_YEAR: &str =
    "must be in the years 1970 to 2099, because the rules of timezones are not known for others";

/// Parses the name of an IANA timezone.
///
/// # Errors
/// One fault at `pointer`.
pub fn timezone(pointer: &str, value: Json) -> Result<Tz, Vec<Fault>> {
    let name = text(pointer, value, 1, 64)?;
    match name.parse() {
        Ok(zone) => Ok(unambiguous(zone)),
        Err(_) => Err(vec![Fault::new(
            pointer,
            "must be the name of an IANA timezone, such as Europe/Berlin",
        )]),
    }
}

/// Replaces a name that is also an abbreviation by the canonical name of the zone. Postgres takes an abbreviation for a fixed offset,
/// so `CET` would have no summer time there.
fn unambiguous(zone: Tz) -> Tz {
    match zone {
        Tz::CET | Tz::MET => Tz::Europe__Brussels,
        Tz::EET => Tz::Europe__Athens,
        Tz::WET => Tz::Europe__Lisbon,
        Tz::EST => Tz::America__Panama,
        Tz::MST => Tz::America__Phoenix,
        Tz::HST => Tz::Pacific__Honolulu,
        Tz::GMT | Tz::UCT | Tz::Zulu => Tz::UTC,
        other => other,
    }
}

/// The last microsecond of a day in `zone`.
pub fn end_of_day(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = date.succ_opt().unwrap_or(date).and_time(NaiveTime::MIN);
    resolve_local(midnight, zone) - TimeDelta::microseconds(1)
}

/// The instant of a wall-clock time. A time in a gap becomes the first instant after the gap. Of a time that occurs twice, the
/// first counts.
pub fn resolve_local(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if let Some(first) = zone.from_local_datetime(&wall).earliest() {
        return first.with_timezone(&Utc);
    }
    // A gap: binary search for the second at which the clocks jump past `wall`. No offset is as large as 15 hours.
    let is_past = |second: i64| {
        DateTime::from_timestamp(second, 0)
            .is_some_and(|utc| utc.with_timezone(&zone).naive_local() >= wall)
    };
    let centre = wall.and_utc().timestamp();
    let (mut before, mut after) = (centre - 15 * 3600, centre + 15 * 3600);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if is_past(middle) {
            after = middle
        } else {
            before = middle
        }
    }
    DateTime::from_timestamp(after, 0).unwrap_or_else(|| wall.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_abbreviation_becomes_the_name_of_its_zone() {
        let named =
            |name: &str| timezone("/timezone", Json::Text(name.to_owned())).map(|zone| zone.name());
        for (name, canonical) in [
            ("CET", "Europe/Brussels"),
            ("MET", "Europe/Brussels"),
            ("EET", "Europe/Athens"),
            ("WET", "Europe/Lisbon"),
            ("HST", "Pacific/Honolulu"),
            ("GMT", "UTC"),
            ("Europe/Berlin", "Europe/Berlin"),
            ("EST5EDT", "EST5EDT"),
        ] {
            assert_eq!(named(name).unwrap(), canonical);
        }
        for wrong in ["CEST", "cet", "Mars/Base", "UTC+1", ""] {
            assert_eq!(named(wrong).unwrap_err()[0].pointer, "/timezone", "{wrong}");
        }
    }

    #[test]
    fn a_time_in_a_gap_is_the_first_instant_after_the_gap() {
        let wall = NaiveDate::from_ymd_opt(2026, 3, 29)
            .unwrap()
            .and_hms_opt(2, 30, 0)
            .unwrap();
        assert_eq!(
            resolve_local(wall, Tz::Europe__Berlin),
            utc("2026-03-29T01:00:00Z")
        );
        // Samoa skipped a whole day.
        let wall = NaiveDate::from_ymd_opt(2011, 12, 30)
            .unwrap()
            .and_hms_opt(12, 0, 0)
            .unwrap();
        assert_eq!(
            resolve_local(wall, Tz::Pacific__Apia),
            utc("2011-12-30T10:00:00Z")
        );
    }

    #[test]
    fn of_a_time_that_occurs_twice_the_first_counts() {
        let wall = NaiveDate::from_ymd_opt(2026, 10, 25)
            .unwrap()
            .and_hms_opt(2, 30, 0)
            .unwrap();
        assert_eq!(
            resolve_local(wall, Tz::Europe__Berlin),
            utc("2026-10-25T00:30:00Z")
        );
    }

    #[test]
    fn a_day_ends_at_the_first_of_two_midnights() {
        for (zone, date, end) in [
            // One, two and three hours apart, and half an hour.
            (
                Tz::America__Havana,
                (2026, 10, 31),
                "2026-11-01T03:59:59.999999Z",
            ),
            (
                Tz::America__Iqaluit,
                (1999, 10, 30),
                "1999-10-31T03:59:59.999999Z",
            ),
            (
                Tz::Antarctica__Casey,
                (2020, 3, 7),
                "2020-03-07T12:59:59.999999Z",
            ),
            (
                Tz::Asia__Colombo,
                (2006, 4, 14),
                "2006-04-14T17:59:59.999999Z",
            ),
        ] {
            let date = NaiveDate::from_ymd_opt(date.0, date.1, date.2).unwrap();
            assert_eq!(end_of_day(date, zone), utc(end), "{zone}");
        }
    }
}

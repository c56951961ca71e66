//! Times as people write and read them.

use std::time::SystemTime;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use client::task::Task;
use domain::due::Due;
use domain::json::Json;
use domain::zone::{Tz, resolve_local};
use serde_json::{Value, json};

use crate::failure::Failure;

/// The time by this machine's clock.
pub fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// The timezone that a name stands for.
pub fn zone(flag: &str, name: &str) -> Result<Tz, Failure> {
    let parsed = domain::zone::timezone("", Json::Text(name.to_owned()));
    parsed.map_err(|faults| {
        let detail = faults
            .into_iter()
            .map(|fault| fault.detail)
            .collect::<Vec<_>>();
        Failure::usage(format!("{flag} {}", detail.join("; ")))
    })
}

/// A due date as the API has it, from a day, a local time in `zone`, or an instant.
pub fn due(flag: &str, written: &str, zone: Tz) -> Result<Value, Failure> {
    Ok(read(flag, written, zone)?.0)
}

/// The instant that a day (its beginning) or a time means.
pub fn instant(flag: &str, written: &str, zone: Tz) -> Result<DateTime<Utc>, Failure> {
    Ok(match read(flag, written, zone)?.1 {
        Due::Date(day) => resolve_local(day.and_time(NaiveTime::MIN), zone),
        due => due.instant_in(zone),
    })
}

/// A due date as the API has it, and what it means.
fn read(flag: &str, written: &str, zone: Tz) -> Result<(Value, Due), Failure> {
    let written = written.trim().replacen(' ', "T", 1);
    let due = match written.split_once('T') {
        None => json!({ "date": written }),
        Some((day, time)) => {
            let ends = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
            let (clock, offset) = time.split_at(ends);
            // Seconds may be left out.
            let seconds = if clock.len() == 5 { ":00" } else { "" };
            let datetime = format!("{day}T{clock}{seconds}{offset}");
            match offset {
                "" => json!({"datetime": datetime, "timezone": zone.name()}),
                _ => json!({ "datetime": datetime }),
            }
        }
    };
    match parse(&due) {
        Some(parsed) => Ok((due, parsed)),
        None => Err(Failure::usage(format!(
            "{flag} must be a day (2026-12-01), a local time (2026-12-01T09:00) or an instant (2026-12-01T08:00Z) of the years 1970 to 2099, not {written:?}"
        ))),
    }
}

/// An instant: `10m`, `2h`, `1d` or `1w` from now on, or a time.
pub fn later(flag: &str, written: &str, zone: Tz) -> Result<DateTime<Utc>, Failure> {
    let Some((number, unit)) = lead(written) else {
        return instant(flag, written, zone);
    };
    let lead = match unit {
        'm' => TimeDelta::minutes(number.into()),
        'h' => TimeDelta::hours(number.into()),
        'd' => TimeDelta::days(number.into()),
        _ => TimeDelta::weeks(number.into()),
    };
    let at = now().checked_add_signed(lead);
    at.ok_or_else(|| Failure::usage(format!("{flag} is too far away")))
}

/// A number and its unit: `m`, `h`, `d` or `w`.
pub fn lead(written: &str) -> Option<(u32, char)> {
    let unit = written.chars().last()?;
    let number = written.strip_suffix(unit)?.parse().ok()?;
    "mhdw".contains(unit).then_some((number, unit))
}

/// When a task is due. A new task, which the server has not seen, has no instant yet.
pub fn due_at(task: &Task, zone: Tz) -> Option<DateTime<Utc>> {
    parse(task.field("due")).map(|due| due.instant_in(zone))
}

/// A due date for people.
pub fn show_due(task: &Task, zone: Tz) -> String {
    let Some(due) = parse(task.field("due")) else {
        return String::new();
    };
    match due {
        Due::Date(day) => show_day(day, zone),
        Due::Local { .. } | Due::Instant(_) => show(due.instant_in(zone), zone),
    }
}

/// A time for people.
pub fn show(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone).naive_local();
    format!("{} {}", show_day(local.date(), zone), local.format("%H:%M"))
}

/// A time that the server has written, for people.
pub fn show_written(written: &Value, zone: Tz) -> String {
    let written = written.as_str().unwrap_or_default();
    match DateTime::parse_from_rfc3339(written) {
        Ok(at) => show(at.into(), zone),
        Err(_) => written.to_owned(),
    }
}

/// An instant as the API has it, with microseconds at most.
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.trunc_subsecs(6)
        .to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn show_day(day: NaiveDate, zone: Tz) -> String {
    let today = now().with_timezone(&zone).date_naive();
    for (other, name) in [
        (Some(today), "today"),
        (today.checked_add_days(Days::new(1)), "tomorrow"),
        (today.checked_sub_days(Days::new(1)), "yesterday"),
    ] {
        if Some(day) == other {
            return name.to_owned();
        }
    }
    day.to_string()
}

fn parse(due: &Value) -> Option<Due> {
    let json = Json::parse(due.to_string().as_bytes()).ok()?;
    Due::parse("", json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_due_date_is_read() {
        let zone = Tz::Europe__Berlin;
        for (written, expected) in [
            ("2026-12-01", json!({"date": "2026-12-01"})),
            (
                "2026-12-01T09:00",
                json!({"datetime": "2026-12-01T09:00:00", "timezone": "Europe/Berlin"}),
            ),
            (
                "2026-12-01 09:00:30",
                json!({"datetime": "2026-12-01T09:00:30", "timezone": "Europe/Berlin"}),
            ),
            (
                "2026-12-01T08:00Z",
                json!({"datetime": "2026-12-01T08:00:00Z"}),
            ),
            (
                "2026-12-01T08:00+02:00",
                json!({"datetime": "2026-12-01T08:00:00+02:00"}),
            ),
        ] {
            assert_eq!(due("--due", written, zone).unwrap(), expected);
        }
        for wrong in [
            "",
            "soon",
            "2026-13-01",
            "2026-12-01T25:00",
            "1950-01-01",
            "T",
            "é",
        ] {
            let failure = due("--due", wrong, zone).unwrap_err();
            assert!(
                failure.message.starts_with("--due must be a day"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn later_is_from_now_on_in_microseconds() {
        let at = rfc3339(later("WHEN", "1h", Tz::UTC).unwrap());
        assert!(domain::due::instant(&at).is_some(), "{at}");
        let nanoseconds = DateTime::from_timestamp(0, 123_456_789).unwrap();
        assert_eq!(rfc3339(nanoseconds), "1970-01-01T00:00:00.123456Z");
        assert!(later("WHEN", "4000000000w", Tz::UTC).is_err());
    }

    #[test]
    fn a_day_begins_in_its_timezone() {
        let at = instant("--due-before", "2026-12-01", Tz::Europe__Berlin).unwrap();
        assert_eq!(rfc3339(at), "2026-11-30T23:00:00Z");
    }
}

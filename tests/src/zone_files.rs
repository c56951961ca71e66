//! The system's files of the timezone database (RFC 9636), as an oracle for instants.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Where Debian and most systems keep the files. Debian's Postgres reads them, too.
const FOLDER: &str = "/usr/share/zoneinfo";

/// Reads the file of a timezone. `None` if the system has no such timezone.
///
/// # Errors
/// The file is not in the format of RFC 9636.
pub fn read(name: &str) -> Result<Option<TimeZone>> {
    let Ok(file) = std::fs::read(Path::new(FOLDER).join(name)) else {
        return Ok(None);
    };
    Ok(Some(TimeZone::tzif(name, &file).context(FOLDER)?))
}

/// The version of the files, such as `2025b`.
///
/// # Errors
/// The system has no such files.
pub fn version() -> Result<String> {
    let rules = std::fs::read_to_string(Path::new(FOLDER).join("tzdata.zi")).context(FOLDER)?;
    let first = rules.lines().next().unwrap_or_default();
    Ok(first.trim_start_matches("# version ").to_owned())
}

/// The instant of a local time, in microseconds since 1970: the first instant at which the clocks show this time or have passed it.
///
/// # Errors
/// The time is out of range.
pub fn microseconds(zone: &TimeZone, wall: DateTime) -> Result<i64> {
    let instant = match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall)?,
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall)?,
        AmbiguousOffset::Gap { after, .. } => {
            let before = after.to_timestamp(wall)?;
            let change = zone.following(before).next();
            change.context("a gap has no end")?.timestamp()
        }
    };
    Ok(instant.as_microsecond())
}

//! Occurrence keys: the original local start of an occurrence, which names it for as long as its series exists.

use std::fmt;
use std::fmt::Display;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};

use crate::due::{date, local};
use crate::zone::YEARS;

/// The key of an occurrence: a date like `2026-03-01`, or a local time like `2026-03-01T09:00:00` for a series with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Date(NaiveDate),
    Local(NaiveDateTime),
}

impl Key {
    /// Reads a key; `None` if it is none, or of another year than due dates may have.
    pub fn read(written: &str) -> Option<Self> {
        let local = local(written).filter(|local| YEARS.contains(&local.year()));
        date(written)
            .map(Self::Date)
            .or_else(|| local.map(Self::Local))
    }

    pub fn is_date(&self) -> bool {
        matches!(self, Self::Date(_))
    }

    /// The start on the wall clock. A day starts at midnight.
    pub fn wall(&self) -> NaiveDateTime {
        match self {
            Self::Date(date) => date.and_time(NaiveTime::MIN),
            Self::Local(local) => *local,
        }
    }
}

impl Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(formatter, "{}", date.format("%Y-%m-%d")),
            Self::Local(local) => write!(formatter, "{}", local.format("%Y-%m-%dT%H:%M:%S%.f")),
        }
    }
}

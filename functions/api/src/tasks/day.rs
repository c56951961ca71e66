//! Days in the query string of a list: dates, and days that are named from today. Only the database knows when they begin for a
//! user.

use std::fmt;

use chrono::{Days, NaiveDate};
use domain::due;

/// A day in the user's timezone. Its `Display` form is the one that the SQL function `time_bound` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    Date(NaiveDate),
    /// A number of days after today.
    FromToday(i16),
}

impl Day {
    /// Parses a date like `2026-03-01`, `today`, `tomorrow` or `yesterday`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "today" => Some(Self::FromToday(0)),
            "tomorrow" => Some(Self::FromToday(1)),
            "yesterday" => Some(Self::FromToday(-1)),
            date => due::date(date).map(Self::Date),
        }
    }

    fn before(self) -> Option<Self> {
        match self {
            Self::Date(date) => date.checked_sub_days(Days::new(1)).map(Self::Date),
            Self::FromToday(days) => days.checked_sub(1).map(Self::FromToday),
        }
    }

    fn after(self, days: u16) -> Option<Self> {
        match self {
            Self::Date(date) => date
                .checked_add_days(Days::new(days.into()))
                .map(Self::Date),
            Self::FromToday(first) => first.checked_add_unsigned(days).map(Self::FromToday),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(formatter, "{date}"),
            Self::FromToday(days) => write!(formatter, "{days:+}"),
        }
    }
}

/// The days before and after the days that `text` means: one day, or `next 7 days`, which begin with today and are 366 at most.
pub fn around(text: &str) -> Option<[Day; 2]> {
    let (first, days) = match text.strip_prefix("next ") {
        Some(rest) => {
            let days = rest
                .strip_suffix(" days")?
                .parse()
                .ok()
                .filter(|days| (1..=366).contains(days))?;
            (Day::FromToday(0), days)
        }
        None => (Day::parse(text)?, 1),
    };
    Some([first.before()?, first.after(days)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<[String; 2]> {
        around(text).map(|days| days.map(|day| day.to_string()))
    }

    #[test]
    fn a_range_lies_between_two_days() {
        for (text, before, after) in [
            ("2026-03-01", "2026-02-28", "2026-03-02"),
            ("1970-01-01", "1969-12-31", "1970-01-02"),
            ("2099-12-31", "2099-12-30", "2100-01-01"),
            ("today", "-1", "+1"),
            ("tomorrow", "+0", "+2"),
            ("yesterday", "-2", "+0"),
            ("next 1 days", "-1", "+1"),
            ("next 7 days", "-1", "+7"),
        ] {
            let expected = Some([before, after].map(str::to_owned));
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_days() {
        for text in [
            "",
            "Today",
            "2026-3-1",
            "2026-02-29",
            "1969-12-31",
            "2100-01-01",
            "2026-03-01T00:00:00Z",
            "next 0 days",
            "next 367 days",
            "next -1 days",
            "next days",
        ] {
            assert_eq!(written(text), None, "{text}");
        }
    }
}

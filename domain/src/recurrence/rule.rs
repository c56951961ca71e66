//! A recurrence rule (RFC 5545, section 3.3.10): its parts, and the text that is made of them.

use std::fmt;
use std::fmt::Display;

use chrono::{NaiveDate, NaiveDateTime, Weekday};

/// How often a rule repeats, before its other parts widen or narrow that. Periods shorter than an hour do not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Frequency {
    const ALL: [(Self, &str, &str); 5] = [
        (Self::Hourly, "HOURLY", "hour"),
        (Self::Daily, "DAILY", "day"),
        (Self::Weekly, "WEEKLY", "week"),
        (Self::Monthly, "MONTHLY", "month"),
        (Self::Yearly, "YEARLY", "year"),
    ];
    /// The units of the shorthand, in order.
    pub const UNITS: &str = "hour, day, week, month, year";

    /// Reads the name that a rule has for the frequency.
    pub fn from_name(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, written, _)| *written == name);
        found.map(|(frequency, ..)| *frequency)
    }

    /// Reads the name of the period, as the shorthand has it.
    pub fn from_unit(unit: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(.., written)| *written == unit);
        found.map(|(frequency, ..)| *frequency)
    }

    fn names(self) -> (&'static str, &'static str) {
        let found = Self::ALL.iter().find(|(frequency, ..)| *frequency == self);
        found.map_or(("", ""), |(_, name, unit)| (name, unit))
    }

    /// The name of the period: `week` for a weekly rule.
    pub fn unit(self) -> &'static str {
        self.names().1
    }
}

/// The end of a rule, which is inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The whole day counts, also if occurrences have a time. RFC 5545 leaves that case open. Google and Apple calendars read it so,
    /// and so do people who write "until 1 March".
    Date(NaiveDate),
    /// A wall-clock time in the timezone of the series.
    Local(NaiveDateTime),
    Utc(NaiveDateTime),
}

/// A value of BYDAY: a weekday, and which one of the month or year, from the end if negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub ordinal: Option<i32>,
    pub weekday: Weekday,
}

/// A valid rule. The lists are sorted and have no duplicates, so rules that are equal mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub frequency: Frequency,
    pub interval: u32,
    pub count: Option<u32>,
    pub until: Option<Until>,
    pub week_start: Weekday,
    pub months: Vec<i32>,
    pub weeks: Vec<i32>,
    pub year_days: Vec<i32>,
    pub month_days: Vec<i32>,
    pub days: Vec<Day>,
    pub hours: Vec<i32>,
    pub minutes: Vec<i32>,
    pub seconds: Vec<i32>,
    pub positions: Vec<i32>,
}

impl Rule {
    /// A rule with only a frequency.
    pub fn every(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            count: None,
            until: None,
            week_start: Weekday::Mon,
            months: Vec::new(),
            weeks: Vec::new(),
            year_days: Vec::new(),
            month_days: Vec::new(),
            days: Vec::new(),
            hours: Vec::new(),
            minutes: Vec::new(),
            seconds: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// The lists of numbers with the names of their parts, except BYSETPOS.
    pub fn numbers(&self) -> [(&'static str, &[i32]); 7] {
        [
            ("BYMONTH", &self.months),
            ("BYWEEKNO", &self.weeks),
            ("BYYEARDAY", &self.year_days),
            ("BYMONTHDAY", &self.month_days),
            ("BYHOUR", &self.hours),
            ("BYMINUTE", &self.minutes),
            ("BYSECOND", &self.seconds),
        ]
    }

    /// Whether the rule has parts for a time of day, which a date does not have.
    pub fn has_time(&self) -> bool {
        !(self.hours.is_empty() && self.minutes.is_empty() && self.seconds.is_empty())
    }
}

/// The two letters of a weekday.
pub fn letters(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Mon => "MO",
        Weekday::Tue => "TU",
        Weekday::Wed => "WE",
        Weekday::Thu => "TH",
        Weekday::Fri => "FR",
        Weekday::Sat => "SA",
        Weekday::Sun => "SU",
    }
}

impl Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ordinal) = self.ordinal {
            write!(formatter, "{ordinal}")?;
        }
        formatter.write_str(letters(self.weekday))
    }
}

impl Display for Until {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(formatter, "{}", date.format("%Y%m%d")),
            Self::Local(local) => write!(formatter, "{}", local.format("%Y%m%dT%H%M%S")),
            Self::Utc(utc) => write!(formatter, "{}", utc.format("%Y%m%dT%H%M%SZ")),
        }
    }
}

impl Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FREQ={}", self.frequency.names().0)?;
        if self.interval != 1 {
            write!(formatter, ";INTERVAL={}", self.interval)?;
        }
        if self.week_start != Weekday::Mon {
            write!(formatter, ";WKST={}", letters(self.week_start))?;
        }
        for (name, list) in self.numbers() {
            write_list(formatter, name, list)?;
        }
        write_list(formatter, "BYDAY", &self.days)?;
        write_list(formatter, "BYSETPOS", &self.positions)?;
        if let Some(until) = self.until {
            write!(formatter, ";UNTIL={until}")?;
        }
        match self.count {
            Some(count) => write!(formatter, ";COUNT={count}"),
            None => Ok(()),
        }
    }
}

fn write_list(
    formatter: &mut fmt::Formatter<'_>,
    name: &str,
    list: &[impl Display],
) -> fmt::Result {
    for (index, value) in list.iter().enumerate() {
        match index {
            0 => write!(formatter, ";{name}={value}")?,
            _ => write!(formatter, ",{value}")?,
        }
    }
    Ok(())
}

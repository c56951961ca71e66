//! Reads the text of a rule. It comes from clients: each part is checked, and what is wrong is said.

use std::ops::RangeInclusive;

use chrono::{NaiveDate, NaiveDateTime, Weekday};

use super::rule::{Day, Frequency, Rule, Until};

/// The most characters of a rule.
pub const MAX_TEXT: usize = 1000;
/// The most occurrences in a day: one every five minutes. A rule with more would be a rule by the minute in another form.
const MAX_A_DAY: usize = 288;
pub const MAX_INTERVAL: u32 = 1_000_000;
pub const MAX_COUNT: u32 = 1_000_000;

const NAMES: &str = "FREQ, INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYWEEKNO, BYYEARDAY, BYMONTHDAY, BYDAY, BYHOUR, BYMINUTE, BYSECOND, BYSETPOS";

/// Parses the value of an RRULE, with or without `RRULE:` before it.
///
/// # Errors
/// What is wrong, one sentence (without its subject, "the rule") for each fault.
pub fn rule(written: &str) -> Result<Rule, Vec<String>> {
    let value = bare(written);
    let mut parts = Parts::read(&value)?;
    let Some(frequency) = parts.part("FREQ", frequency) else {
        parts.require_frequency();
        return Err(parts.faults);
    };
    let mut rule = Rule::every(frequency);
    let number = |range: RangeInclusive<u32>| {
        move |text: &str| {
            unsigned(text)
                .filter(|number| range.contains(number))
                .ok_or_else(|| format!("a number from {} to {}", range.start(), range.end()))
        }
    };
    rule.interval = parts
        .part("INTERVAL", number(1..=MAX_INTERVAL))
        .unwrap_or(1);
    rule.count = parts.part("COUNT", number(1..=MAX_COUNT));
    rule.until = parts.part("UNTIL", |text| until(text).ok_or_else(until_form));
    rule.week_start = parts
        .part("WKST", |text| {
            weekday(text).ok_or_else(|| "a weekday such as MO or SU".to_owned())
        })
        .unwrap_or(Weekday::Mon);
    rule.months = parts.numbers("BYMONTH", 1..=12, false);
    rule.weeks = parts.numbers("BYWEEKNO", 1..=53, true);
    rule.year_days = parts.numbers("BYYEARDAY", 1..=366, true);
    rule.month_days = parts.numbers("BYMONTHDAY", 1..=31, true);
    rule.hours = parts.numbers("BYHOUR", 0..=23, false);
    rule.minutes = parts.numbers("BYMINUTE", 0..=59, false);
    rule.seconds = parts.numbers("BYSECOND", 0..=59, false);
    rule.positions = parts.numbers("BYSETPOS", 1..=366, true);
    rule.days = parts.days();
    let mut faults = parts.finish();
    if faults.is_empty() {
        faults.extend(contradictions(&rule));
    }
    if faults.is_empty() {
        Ok(rule)
    } else {
        Err(faults)
    }
}

/// The text of a rule in the form in which it is stored: capital letters, without `RRULE:` and without a semicolon at the end, which
/// Google Calendar has been seen to write.
pub fn bare(written: &str) -> String {
    let capital = written.to_ascii_uppercase();
    let value = capital.strip_prefix("RRULE:").unwrap_or(&capital);
    value.strip_suffix(';').unwrap_or(value).to_owned()
}

/// What is wrong with parts that are valid for themselves.
fn contradictions(rule: &Rule) -> Vec<String> {
    use Frequency::{Daily, Hourly, Monthly, Weekly, Yearly};
    let frequency = rule.frequency;
    let numbered = rule.days.iter().any(|day| day.ordinal.is_some());
    let in_month = frequency == Monthly || !rule.months.is_empty();
    let has_more_than_5 =
        |day: &Day| day.ordinal.is_some_and(|ordinal| ordinal.abs() > 5) && in_month;
    let only_positions =
        rule.days.is_empty() && rule.numbers().iter().all(|(_, list)| list.is_empty());
    let per_hour = rule.minutes.len().max(1) * rule.seconds.len().max(1);
    let hours = match frequency {
        Hourly if rule.hours.is_empty() => 24,
        _ => rule.hours.len().max(1),
    };
    let wrong = [
        (
            rule.count.is_some() && rule.until.is_some(),
            "must have either COUNT or UNTIL, not both",
        ),
        (
            !rule.weeks.is_empty() && frequency != Yearly,
            "can have BYWEEKNO only with FREQ=YEARLY",
        ),
        (
            !rule.year_days.is_empty() && matches!(frequency, Daily | Weekly | Monthly),
            "can have BYYEARDAY only with FREQ=YEARLY or HOURLY",
        ),
        (
            !rule.month_days.is_empty() && frequency == Weekly,
            "cannot have BYMONTHDAY with FREQ=WEEKLY; use FREQ=MONTHLY or DAILY",
        ),
        (
            numbered && !matches!(frequency, Monthly | Yearly),
            "can have a number before a weekday, such as 1MO, only with FREQ=MONTHLY or YEARLY",
        ),
        (
            numbered && !rule.weeks.is_empty(),
            "cannot have a number before a weekday together with BYWEEKNO",
        ),
        (
            rule.days.iter().any(has_more_than_5),
            "has a BYDAY beyond 5 or -5, but a month has no weekday more than five times",
        ),
        (
            !rule.positions.is_empty() && only_positions,
            "can have BYSETPOS only together with another BY part, from whose occurrences it selects",
        ),
        (
            rule.positions.is_empty() && hours * per_hour > MAX_A_DAY,
            "must not occur more than 288 times a day; use fewer values of BYHOUR, BYMINUTE and BYSECOND",
        ),
    ];
    let wrong = wrong.into_iter().filter(|(holds, _)| *holds);
    wrong.map(|(_, detail)| detail.to_owned()).collect()
}

/// The parts of a rule that are not parsed yet, and the faults so far.
struct Parts<'t> {
    parts: Vec<(&'t str, &'t str)>,
    faults: Vec<String>,
}

impl<'t> Parts<'t> {
    fn read(value: &'t str) -> Result<Self, Vec<String>> {
        if value.contains(['\n', '\r']) {
            return Err(vec![
                "must be one line, the value of an RRULE; the start is the due date of the task, and exceptions are `exdates`"
                    .to_owned(),
            ]);
        }
        let mut parts: Vec<(&str, &str)> = Vec::new();
        let mut faults = Vec::new();
        for part in value.split(';') {
            match part.split_once('=') {
                None => faults.push(format!(
                    "has the part {:?}, which is not like FREQ=WEEKLY",
                    shown(part)
                )),
                Some((name, _)) if parts.iter().any(|(other, _)| *other == name) => {
                    faults.push(format!("has {} twice", shown(name)));
                }
                Some(part) => parts.push(part),
            }
        }
        Ok(Self { parts, faults })
    }

    fn require_frequency(&mut self) {
        if self.faults.is_empty() {
            self.faults
                .push("needs FREQ, for example FREQ=WEEKLY".to_owned());
        }
    }

    /// Takes and parses a part. `parse` fails with what the part must be.
    fn part<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let index = self.parts.iter().position(|(other, _)| *other == name)?;
        let (_, value) = self.parts.swap_remove(index);
        match parse(value) {
            Ok(parsed) => Some(parsed),
            Err(form) => {
                let value = shown(value);
                self.faults
                    .push(format!("has {name}={value}; it must be {form}"));
                None
            }
        }
    }

    /// Takes a list of numbers, which may be negative if they can be counted from the end.
    fn numbers(&mut self, name: &str, range: RangeInclusive<u32>, from_end: bool) -> Vec<i32> {
        let (first, last) = (*range.start(), *range.end());
        let read = |text: &str| {
            let (negative, digits) = match text.strip_prefix(['-', '+']) {
                Some(digits) if from_end => (text.starts_with('-'), digits),
                _ => (false, text),
            };
            let number = unsigned(digits).filter(|number| range.contains(number))?;
            let number = i32::try_from(number).ok()?;
            Some(if negative { -number } else { number })
        };
        let list = self.part(name, |value| {
            let list: Option<Vec<i32>> = value.split(',').map(read).collect();
            list.ok_or_else(|| match from_end {
                true => format!("a list of numbers from {first} to {last} or -{last} to -{first}"),
                false => format!("a list of numbers from {first} to {last}"),
            })
        });
        let mut list = list.unwrap_or_default();
        list.sort_unstable();
        list.dedup();
        list
    }

    fn days(&mut self) -> Vec<Day> {
        let list = self.part("BYDAY", |value| {
            let list: Option<Vec<Day>> = value.split(',').map(day).collect();
            list.ok_or_else(|| {
                "a list of weekdays such as MO, or 1MO and -1FR in months and years".to_owned()
            })
        });
        let mut list = list.unwrap_or_default();
        sort_days(&mut list);
        list
    }

    fn finish(mut self) -> Vec<String> {
        for (name, _) in std::mem::take(&mut self.parts) {
            self.faults.push(match name {
                "SKIP" => "cannot have SKIP; use the member `skip`".to_owned(),
                "RSCALE" => "cannot have RSCALE; the calendar is always the Gregorian".to_owned(),
                other => format!(
                    "has the unknown part {:?}; the parts are {NAMES}",
                    shown(other)
                ),
            });
        }
        self.faults.truncate(10);
        self.faults
    }
}

fn frequency(text: &str) -> Result<Frequency, String> {
    let reason = match text {
        "MINUTELY" | "SECONDLY" => {
            "HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY, because no task can be done as often as that"
        }
        _ => "HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY",
    };
    Frequency::from_name(text).ok_or_else(|| reason.to_owned())
}

/// Sorts values of BYDAY and removes duplicates.
pub fn sort_days(list: &mut Vec<Day>) {
    list.sort_unstable_by_key(|day| (day.ordinal, day.weekday.num_days_from_monday()));
    list.dedup();
}

/// Parses a value of BYDAY, such as `MO` or `-1FR`.
pub fn day(text: &str) -> Option<Day> {
    let split = text.len().checked_sub(2)?;
    let (number, letters) = text.split_at_checked(split)?;
    let weekday = weekday(letters)?;
    if number.is_empty() {
        return Some(Day {
            ordinal: None,
            weekday,
        });
    }
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    let size = unsigned(digits).filter(|size| (1..=53).contains(size))?;
    let size = i32::try_from(size).ok()?;
    let ordinal = Some(if number.starts_with('-') { -size } else { size });
    Some(Day { ordinal, weekday })
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}

fn until(text: &str) -> Option<Until> {
    if !text.is_ascii() {
        return None;
    }
    let date = |text: &str| {
        let read = NaiveDate::parse_from_str(text, "%Y%m%d").ok();
        read.filter(|date| date.format("%Y%m%d").to_string() == text)
    };
    let datetime = |text: &str| {
        let read = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok();
        read.filter(|datetime| datetime.format("%Y%m%dT%H%M%S").to_string() == text)
    };
    match (text.len(), text.strip_suffix('Z')) {
        (8, None) => date(text).map(Until::Date),
        (15, None) => datetime(text).map(Until::Local),
        (16, Some(utc)) => datetime(utc).map(Until::Utc),
        _ => None,
    }
}

fn until_form() -> String {
    "a date like 20270301, or a time like 20270301T090000 or 20270301T080000Z".to_owned()
}

/// Parses digits only. The standard library also accepts a plus sign.
fn unsigned(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// The beginning of a text from a client, for a message.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

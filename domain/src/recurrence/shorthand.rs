//! The short form of simple rules: `{"every":2,"unit":"week","on":["MO","TH"],"at":"09:00","until":…,"count":…}`.

use chrono::{NaiveDateTime, NaiveTime, Timelike};
use serde_json::{Value, json};

use super::parse::{self, MAX_COUNT, MAX_INTERVAL};
use super::rule::{Day, Frequency, Rule, Until};
use crate::due::{date, local};
use crate::json::{Fault, Json, Reader, nullable, text, whole};

/// The names of the members.
pub const NAMES: [&str; 6] = ["every", "unit", "on", "at", "until", "count"];

/// A day in `on`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum On {
    Day(Day),
    /// A day of the month, from the end if negative.
    Number(i32),
}

/// The members of a short form. Null and absent are the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shorthand {
    every: Option<u32>,
    unit: Option<Frequency>,
    /// Whether `unit` was there and is wrong, which is a fault already.
    unit_is_wrong: bool,
    on: Vec<On>,
    at: Option<NaiveTime>,
    until: Option<Until>,
    count: Option<u32>,
}

impl Shorthand {
    /// Takes the members from an object.
    pub fn take(reader: &mut Reader) -> Self {
        let mut unit_is_there = false;
        let read_unit = |at: &str, value: Json| {
            unit_is_there = value != Json::Null;
            nullable(unit)(at, value)
        };
        let unit = reader.optional("unit", read_unit).flatten();
        Self {
            every: reader
                .optional(
                    "every",
                    nullable(|at, value| number(at, value, MAX_INTERVAL)),
                )
                .flatten(),
            unit,
            unit_is_wrong: unit_is_there && unit.is_none(),
            on: reader
                .optional("on", nullable(on))
                .flatten()
                .unwrap_or_default(),
            at: reader.optional("at", nullable(at)).flatten(),
            until: reader.optional("until", nullable(until)).flatten(),
            count: reader
                .optional("count", nullable(|at, value| number(at, value, MAX_COUNT)))
                .flatten(),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn has_at(&self) -> bool {
        self.at.is_some()
    }

    pub fn has_until(&self) -> bool {
        self.until.is_some()
    }

    /// The rule that the members mean.
    ///
    /// # Errors
    /// The members that are wrong, and what is wrong with each.
    pub fn rule(&self) -> Result<Rule, Vec<(&'static str, &'static str)>> {
        let Some(unit) = self.unit else {
            let required = ("unit", "is required if there is no `rule`");
            return Err(Some(required)
                .filter(|_| !self.unit_is_wrong)
                .into_iter()
                .collect());
        };
        let mut faults = self.faults(unit);
        let mut rule = Rule::every(unit);
        rule.interval = self.every.unwrap_or(1);
        for on in &self.on {
            match on {
                On::Day(day) => rule.days.push(*day),
                On::Number(number) => rule.month_days.push(*number),
            }
        }
        parse::sort_days(&mut rule.days);
        rule.month_days.sort_unstable();
        rule.month_days.dedup();
        if let Some(at) = self.at {
            rule.hours = i32::try_from(at.hour()).into_iter().collect();
            rule.minutes = i32::try_from(at.minute()).into_iter().collect();
        }
        rule.until = self.until;
        rule.count = self.count;
        if faults.is_empty() && rule.to_string().len() > parse::MAX_TEXT {
            faults.push(("on", "has too many days"));
        }
        if faults.is_empty() {
            Ok(rule)
        } else {
            Err(faults)
        }
    }

    fn faults(&self, unit: Frequency) -> Vec<(&'static str, &'static str)> {
        let in_month = unit == Frequency::Monthly;
        let numbers = self.on.iter().any(|on| matches!(on, On::Number(_)));
        let weekdays = self.on.iter().any(|on| matches!(on, On::Day(_)));
        let ordinals = self.on.iter().filter_map(|on| match on {
            On::Day(day) => day.ordinal,
            On::Number(_) => None,
        });
        let largest = ordinals.map(i32::abs).max();
        let wrong = [
            (
                numbers && !in_month,
                "on",
                "can have days of the month, such as 15, only with the unit month",
            ),
            (
                numbers && weekdays,
                "on",
                "must have either weekdays or days of the month, not both",
            ),
            (
                largest.is_some() && !(in_month || unit == Frequency::Yearly),
                "on",
                "can have a number before a weekday, such as 1MO, only with the unit month or year",
            ),
            (
                in_month && largest > Some(5),
                "on",
                "cannot have a number beyond 5 or -5 before a weekday, because a month has no weekday more than five times",
            ),
            (
                unit == Frequency::Hourly && self.at.is_some(),
                "at",
                "cannot be there with the unit hour",
            ),
            (
                self.until.is_some() && self.count.is_some(),
                "count",
                "cannot be there together with `until`",
            ),
        ];
        let wrong = wrong.into_iter().filter(|(holds, ..)| *holds);
        wrong.map(|(_, name, detail)| (name, detail)).collect()
    }

    /// The members for a rule; all are absent if the short form cannot say what the rule does.
    pub fn of(rule: &Rule) -> Self {
        let days = rule.days.iter().map(|day| On::Day(*day));
        let numbers = rule.month_days.iter().map(|number| On::Number(*number));
        let one = |list: &[i32]| match list {
            [number] => u32::try_from(*number).ok(),
            _ => None,
        };
        let at = one(&rule.hours).zip(one(&rule.minutes));
        let shorthand = Self {
            every: Some(rule.interval),
            unit: Some(rule.frequency),
            unit_is_wrong: false,
            on: days.chain(numbers).collect(),
            at: at.and_then(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0)),
            until: rule.until,
            count: rule.count,
        };
        match shorthand.rule() {
            Ok(same) if same == *rule => shorthand,
            _ => Self::default(),
        }
    }

    /// Gives a rule the end of this short form.
    pub fn change_end(&self, rule: &mut Rule, until: bool, count: bool) {
        if until {
            rule.until = self.until;
        }
        if count {
            rule.count = self.count;
        }
    }

    /// The members that are there and differ from those for `rule`.
    pub fn differences(&self, rule: &Rule) -> Vec<&'static str> {
        let other = Self::of(rule);
        let same_days = |list: &[On]| {
            list.len() == other.on.len() && list.iter().all(|on| other.on.contains(on))
        };
        let differs = [
            ("every", self.every.is_some() && self.every != other.every),
            ("unit", self.unit.is_some() && self.unit != other.unit),
            ("on", !self.on.is_empty() && !same_days(&self.on)),
            ("at", self.at.is_some() && self.at != other.at),
            ("until", self.until.is_some() && self.until != other.until),
            ("count", self.count.is_some() && self.count != other.count),
        ];
        let differs = differs.into_iter().filter(|(_, differs)| *differs);
        differs.map(|(name, _)| name).collect()
    }

    /// The values of the members, in the order of [`NAMES`].
    pub fn values(&self) -> [Value; 6] {
        let on: Vec<Value> = self
            .on
            .iter()
            .map(|on| match on {
                On::Day(day) => json!(day.to_string()),
                On::Number(number) => json!(number),
            })
            .collect();
        [
            json!(self.every),
            json!(self.unit.map(Frequency::unit)),
            json!(Some(on).filter(|on| !on.is_empty())),
            json!(self.at.map(|at| at.format("%H:%M").to_string())),
            json!(self.until.map(|until| match until {
                Until::Date(date) => date.format("%Y-%m-%d").to_string(),
                Until::Local(local) => local.format("%Y-%m-%dT%H:%M:%S").to_string(),
                Until::Utc(utc) => utc.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            })),
            json!(self.count),
        ]
    }
}

fn fault<T>(pointer: &str, detail: impl Into<String>) -> Result<T, Vec<Fault>> {
    Err(vec![Fault::new(pointer, detail)])
}

fn number(pointer: &str, value: Json, max: u32) -> Result<u32, Vec<Fault>> {
    let number = whole(&value).and_then(|number| u32::try_from(number).ok());
    match number.filter(|number| (1..=max).contains(number)) {
        Some(number) => Ok(number),
        None => fault(pointer, format!("must be a whole number from 1 to {max}")),
    }
}

fn unit(pointer: &str, value: Json) -> Result<Frequency, Vec<Fault>> {
    let unit = match &value {
        Json::Text(unit) => unit.as_str(),
        _ => "",
    };
    let reason = match unit {
        "minute" | "second" => ", because no task can be done more often than every hour",
        _ => "",
    };
    match Frequency::from_unit(unit) {
        Some(unit) => Ok(unit),
        None => fault(
            pointer,
            format!("must be one of {}{reason}", Frequency::UNITS),
        ),
    }
}

fn on(pointer: &str, value: Json) -> Result<Vec<On>, Vec<Fault>> {
    let Json::List(items) = value else {
        return fault(pointer, format!("must be an array, not {}", value.kind()));
    };
    if items.len() > 100 {
        return fault(pointer, "must have at most 100 days");
    }
    let mut days = Vec::new();
    let mut faults = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let day = match &item {
            Json::Text(written) => parse::day(written).map(On::Day),
            number => whole(number)
                .filter(|number| (1..=31).contains(&number.abs()))
                .and_then(|number| i32::try_from(number).ok())
                .map(On::Number),
        };
        match day {
            Some(day) if !days.contains(&day) => days.push(day),
            Some(_) => {}
            None => faults.push(Fault::new(
                format!("{pointer}/{index}"),
                "must be a weekday such as MO, 1MO or -1FR, or a day of the month from 1 to 31 or -31 to -1",
            )),
        }
    }
    if faults.is_empty() {
        Ok(days)
    } else {
        Err(faults)
    }
}

fn at(pointer: &str, value: Json) -> Result<NaiveTime, Vec<Fault>> {
    let written = text(pointer, value, 1, 40)?;
    match NaiveTime::parse_from_str(&written, "%H:%M") {
        Ok(time) if time.format("%H:%M").to_string() == written => Ok(time),
        _ => fault(pointer, "must be a time like 09:00"),
    }
}

fn until(pointer: &str, value: Json) -> Result<Until, Vec<Fault>> {
    let written = text(pointer, value, 1, 40)?;
    let whole =
        |written: &str| -> Option<NaiveDateTime> { local(written).filter(|_| written.len() == 19) };
    let until = date(&written).map(Until::Date);
    let until = until.or_else(|| whole(&written).map(Until::Local));
    let until = until.or_else(|| whole(written.strip_suffix('Z')?).map(Until::Utc));
    match until {
        Some(until) => Ok(until),
        None => fault(
            pointer,
            "must be a date like 2027-03-01, or a time like 2027-03-01T09:00:00 or 2027-03-01T08:00:00Z",
        ),
    }
}

//! Recurrence: what a client defines ([`Recurrence`]), and what follows each occurrence of a series ([`Series`]).
//!
//! A rule (RFC 5545, section 3.3.10) starts at the first due date of its series and is expanded on the wall clock; each occurrence
//! then gets the instant that its wall time has in the timezone of the series. The first due date is occurrence 1, also against
//! COUNT, even if the rule does not fit it.

mod days;
mod definition;
mod describe;
mod key;
mod parse;
mod patch;
mod rule;
mod series;
mod shorthand;
mod split;
mod standing;
mod steps;
mod walk;
#[cfg(test)]
mod tests;

use chrono::Datelike;
use chrono_tz::Tz;

use self::describe::describe;
use self::key::Key;
pub use self::patch::{RecurrencePatch, occurrence_id};
use self::rule::{Frequency, Rule, Until};
pub use self::series::{Coming, Done, Occurrence, Series, Unreadable};
use self::shorthand::Shorthand;
pub use self::standing::{Made, Newest, ROUNDS, Standing};
use crate::due::Due;
use crate::json::{Fault, Json, Reader, nullable, text};
use crate::text_enum::text_enum;
use crate::zone::{OTHER_YEAR, YEARS, timezone};

text_enum!(
    /// What the next occurrence is counted from: the occurrence that is done (`fixed`), the same but never in the past (`catch_up`), or
    /// the day on which it was done (`after_completion`).
    Mode { Fixed = "fixed", CatchUp = "catch_up", AfterCompletion = "after_completion" }
);
text_enum!(
    /// What happens to a day that does not exist, such as 31 April: nothing, the day before it, or the day after it (RFC 7529, section
    /// 4.1).
    Skip { Omit = "omit", Backward = "backward", Forward = "forward" }
);
text_enum!(
    /// When the next task appears.
    Create { OnCompletion = "on_completion", OnSchedule = "on_schedule" }
);
text_enum!(
    /// Whether a scheduled task appears while an earlier one is open.
    Overlap { Allow = "allow", SkipWhileOpen = "skip_while_open" }
);
text_enum!(
    /// Which of the scheduled tasks appear that were missed during a downtime: one, or all.
    Missed { CatchUp = "catch_up", All = "all" }
);

/// The most keys in `exdates` and in `rdates`.
const MAX_KEYS: usize = 1000;
/// The members that a client cannot set, but may send back.
const READ_ONLY: [&str; 4] = ["start", "description", "paused_at", "resumed_at"];

/// What a client defines: a valid rule, and how it is applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrence {
    /// The text of the rule, as the client has sent it, in capital letters.
    text: String,
    rule: Rule,
    pub mode: Mode,
    pub skip: Skip,
    pub create: Create,
    pub overlap: Overlap,
    pub missed: Missed,
    /// Sorted, without duplicates, as are `rdates`.
    exdates: Vec<Key>,
    rdates: Vec<Key>,
    timezone: Option<Tz>,
    /// The members of the short form from which the rule was made, for the pointers of faults.
    shorthand: Option<Shorthand>,
    /// Whether the client sends back what it has read, so that the timezone may be one that it has not chosen.
    is_read: bool,
}

impl Recurrence {
    /// Parses `{"rule":…}` or the short form, with all other members.
    ///
    /// # Errors
    /// All faults, with pointers below `pointer`.
    pub fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(pointer, value)?;
        let start = reader.take("start");
        for name in READ_ONLY {
            reader.take(name);
        }
        let written = |at: &str, value| text(at, value, 1, parse::MAX_TEXT);
        let written = reader.optional("rule", nullable(written)).flatten();
        let shorthand = Shorthand::take(&mut reader);
        let (text, rule) = match &written {
            Some(written) => (parse::bare(written), rule(&mut reader, written, &shorthand)),
            None => short(&mut reader, &shorthand),
        };
        let mode = reader.optional("mode", nullable(Mode::parse)).flatten();
        let skip = reader.optional("skip", nullable(Skip::parse)).flatten();
        let create = reader.optional("create", nullable(Create::parse));
        let overlap = reader.optional("overlap", nullable(Overlap::parse));
        let missed = reader.optional("missed", nullable(Missed::parse));
        let exdates = reader.optional("exdates", nullable(keys)).flatten();
        let rdates = reader.optional("rdates", nullable(keys)).flatten();
        let timezone = reader.optional("timezone", nullable(timezone)).flatten();
        reader.finish()?;
        let Some(rule) = rule else {
            let detail = "needs `rule`, or `unit` with `every` and `on`";
            return Err(vec![Fault::new(pointer, detail)]);
        };
        Ok(Self {
            text,
            rule,
            mode: mode.unwrap_or(Mode::Fixed),
            skip: skip.unwrap_or(Skip::Backward),
            create: create.flatten().unwrap_or(Create::OnCompletion),
            overlap: overlap.flatten().unwrap_or(Overlap::Allow),
            missed: missed.flatten().unwrap_or(Missed::CatchUp),
            exdates: exdates.unwrap_or_default(),
            rdates: rdates.unwrap_or_default(),
            timezone,
            shorthand: Some(shorthand).filter(|_| written.is_none()),
            is_read: start.is_some_and(|start| start != Json::Null),
        })
    }

    /// The text of the rule.
    pub fn rule(&self) -> &str {
        &self.text
    }

    /// The rule in English.
    pub fn description(&self) -> String {
        describe(&self.rule)
    }

    /// Checks what depends on the due date of the first occurrence. The timezone of the account is not known here. Only the rule can
    /// depend on it, and only by hours.
    ///
    /// # Errors
    /// All faults, with pointers below `pointer`.
    pub fn check(&self, pointer: &str, due: &Due) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut fault = |member: &str, detail: &str| {
            faults.push(Fault::new(format!("{pointer}/{member}"), detail));
        };
        let is_short = |has: fn(&Shorthand) -> bool| self.shorthand.as_ref().is_some_and(has);
        let is_date = matches!(due, Due::Date(_));
        if is_date && self.rule.frequency == Frequency::Hourly {
            let member = if is_short(|_| true) { "unit" } else { "rule" };
            fault(member, "repeats by the hour, so the due date needs a time");
        } else if is_date && self.rule.has_time() {
            let member = if is_short(Shorthand::has_at) {
                "at"
            } else {
                "rule"
            };
            fault(member, "has a time of day, but the due date has no time");
        }
        let of_until = if is_short(Shorthand::has_until) {
            "until"
        } else {
            "rule"
        };
        match (due, self.rule.until) {
            (Due::Date(_), Some(Until::Local(_) | Until::Utc(_))) => {
                fault(
                    of_until,
                    "must end on a date without a time, like the due date",
                );
            }
            (Due::Instant(_), Some(Until::Local(_))) => {
                fault(
                    of_until,
                    "must end at a time with Z at its end, or on a date, because the due date has an offset",
                );
            }
            _ => {}
        }
        match due {
            Due::Date(_) if self.timezone.is_some() && !self.is_read => {
                fault(
                    "timezone",
                    "cannot be there if the due date is a date; the timezone of the account counts",
                );
            }
            Due::Local { timezone, .. }
                if self.timezone.is_some_and(|own| own != *timezone) && !self.is_read =>
            {
                fault(
                    "timezone",
                    "must be the timezone of the due date; leave it out",
                );
            }
            _ => {}
        }
        for (member, keys) in [("exdates", &self.exdates), ("rdates", &self.rdates)] {
            if keys.iter().any(|key| key.is_date() != is_date) {
                fault(
                    member,
                    match is_date {
                        true => "must have dates like 2026-03-01, like the due date",
                        false => {
                            "must have local times like 2026-03-01T09:00:00, because the due date has a time"
                        }
                    },
                );
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.occurs(pointer, due, of_until)
    }

    /// Checks that anything follows the first occurrence.
    fn occurs(&self, pointer: &str, due: &Due, of_until: &str) -> Result<(), Vec<Fault>> {
        let fault = |pointer: String, detail: &str| Err(vec![Fault::new(pointer, detail)]);
        let series = Series::new(self.clone(), *due, self.timezone.unwrap_or(Tz::UTC));
        if !YEARS.contains(&series.anchor().year()) {
            return fault(
                format!("{pointer}/rule"),
                &format!("needs a due date, which {OTHER_YEAR}"),
            );
        }
        if self.rule.count == Some(1) || series.steps_after_first().next().is_some() {
            return Ok(());
        }
        let endless = Self {
            rule: Rule {
                until: None,
                ..self.rule.clone()
            },
            ..self.clone()
        };
        let endless = Series::new(endless, *due, series.zone());
        match self.rule.until.is_some() && endless.steps_after_first().next().is_some() {
            true => fault(
                format!("{pointer}/{of_until}"),
                "ends before a second occurrence; choose a later end",
            ),
            false => fault(
                format!("{pointer}/rule"),
                "never occurs after the due date, up to the year 2099",
            ),
        }
    }
}

/// Parses the rule, which the members of the short form must not contradict.
fn rule(reader: &mut Reader, written: &str, shorthand: &Shorthand) -> Option<Rule> {
    match parse::rule(written) {
        Ok(rule) => {
            for name in shorthand.differences(&rule) {
                reader.fault(name, "must mean the same as `rule`; leave one of them out");
            }
            Some(rule)
        }
        Err(details) => {
            for detail in details {
                reader.fault("rule", detail);
            }
            None
        }
    }
}

/// Makes the rule of the short form.
fn short(reader: &mut Reader, shorthand: &Shorthand) -> (String, Option<Rule>) {
    if shorthand.is_empty() {
        return (String::new(), None);
    }
    match shorthand.rule() {
        Ok(rule) => (rule.to_string(), Some(rule)),
        Err(faults) => {
            for (name, detail) in faults {
                reader.fault(name, detail);
            }
            (String::new(), None)
        }
    }
}

/// Parses a list of occurrence keys.
fn keys(pointer: &str, value: Json) -> Result<Vec<Key>, Vec<Fault>> {
    let Json::List(items) = value else {
        let detail = format!("must be an array, not {}", value.kind());
        return Err(vec![Fault::new(pointer, detail)]);
    };
    if items.len() > MAX_KEYS {
        let detail = format!("must have at most {MAX_KEYS} items");
        return Err(vec![Fault::new(pointer, detail)]);
    }
    let mut keys = Vec::new();
    let mut faults = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        match text(&pointer, item, 1, 40) {
            Err(mut wrong) => faults.append(&mut wrong),
            Ok(written) => match Key::read(&written) {
                Some(key) => keys.push(key),
                None => faults.push(Fault::new(
                    pointer,
                    "must be a date like 2026-03-01, or a local time like 2026-03-01T09:00:00, in the years 1970 to 2099",
                )),
            },
        }
        if faults.len() >= 20 {
            break;
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

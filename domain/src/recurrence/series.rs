//! A stored recurrence: which occurrence follows which.

use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use thiserror::Error;

use super::rule::Frequency;
use super::steps::Steps;
use super::walk::Walk;
use super::{Key, Mode, Recurrence};
use crate::due::{Due, instant};
use crate::json::{Fault, Json, text};
use crate::zone::{end_of_day, resolve_local, timezone};

/// A stored recurrence that this program cannot read.
#[derive(Debug, Error)]
#[error("not a stored recurrence: {0}")]
pub struct Unreadable(String);

/// A recurrence with its first occurrence and its timezone.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    recurrence: Recurrence,
    start: Due,
    zone: Tz,
    is_paused: bool,
    resumed_at: Option<DateTime<Utc>>,
}

/// An occurrence that was completed or skipped.
#[derive(Clone, Copy, Debug)]
pub struct Done<'k> {
    /// Its key.
    pub occurrence: &'k str,
    pub number: i64,
    /// When it was completed or skipped.
    pub at: DateTime<Utc>,
    pub skipped: bool,
}

/// An occurrence of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    pub key: String,
    /// 1 for the first, and one more for each that follows in the life of the series. Occurrences that are passed over have none.
    pub number: i64,
    pub due: Due,
    pub due_at: DateTime<Utc>,
}

impl Series {
    /// A series in `zone`, the timezone of the owner, or the one that the recurrence has for an instant. A local due date brings its
    /// own.
    pub fn new(recurrence: Recurrence, start: Due, zone: Tz) -> Self {
        let zone = match start {
            Due::Local { timezone, .. } => timezone,
            Due::Instant(_) => recurrence.timezone.unwrap_or(zone),
            Due::Date(_) => zone,
        };
        Self {
            recurrence,
            start,
            zone,
            is_paused: false,
            resumed_at: None,
        }
    }

    /// Reads the stored JSON. Members that are not known are ignored, because a later release may have added them.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(json: &str) -> Result<Self, Unreadable> {
        const NAMES: [&str; 8] = [
            "rule", "mode", "skip", "create", "overlap", "missed", "exdates", "rdates",
        ];
        let unreadable = |faults: Vec<Fault>| {
            let fault = faults.into_iter().next();
            Unreadable(fault.map_or_else(String::new, |fault| {
                format!("{} {}", fault.pointer, fault.detail)
            }))
        };
        let json = Json::parse(json.as_bytes()).map_err(|error| Unreadable(error.to_string()))?;
        let Json::Object(mut members) = json else {
            return Err(Unreadable("it is no object".to_owned()));
        };
        let mut take = |name: &str| {
            let index = members.iter().position(|(member, _)| member == name);
            index.map_or(Json::Null, |index| members.swap_remove(index).1)
        };
        let start = Due::parse("/start", take("start")).map_err(unreadable)?;
        let zone = timezone("/timezone", take("timezone")).map_err(unreadable)?;
        let is_paused = take("paused_at") != Json::Null;
        let resumed_at = match take("resumed_at") {
            Json::Null => None,
            value => {
                let written = text("/resumed_at", value, 1, 40).map_err(unreadable)?;
                let resumed_at = instant(&written).map(|at| at.with_timezone(&Utc));
                Some(resumed_at.ok_or_else(|| Unreadable("/resumed_at".to_owned()))?)
            }
        };
        members.retain(|(name, _)| NAMES.contains(&name.as_str()));
        let mut recurrence = Recurrence::parse("", Json::Object(members)).map_err(unreadable)?;
        recurrence.timezone = Some(zone).filter(|_| matches!(start, Due::Instant(_)));
        Ok(Self {
            is_paused,
            resumed_at,
            ..Self {
                zone,
                ..Self::new(recurrence, start, zone)
            }
        })
    }

    /// Whether the series is paused. It then has no next occurrence, and has not ended.
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    pub fn recurrence(&self) -> &Recurrence {
        &self.recurrence
    }

    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The key of the occurrence with this due date, as a local start in the timezone of the series.
    pub fn key(&self, due: &Due) -> String {
        self.key_at(self.wall_of(due)).to_string()
    }

    /// The occurrence that follows the one done. `None`: the series has ended, or it is paused.
    ///
    /// - fixed: the next step of the rule after that occurrence.
    /// - catch_up: the first step after that occurrence and after the moment at which it was done, or after that day for dates.
    /// - after_completion: the rule starts again on the day on which it was done, with the time of the first due date, or at the second
    ///   at which it was done for hourly rules. The first step after that day follows that is no occurrence yet: of a task that is done
    ///   twice on one day, the same would come back otherwise.
    pub fn next(&self, done: &Done<'_>) -> Option<Occurrence> {
        if self.is_paused {
            return None;
        }
        let number = done.number.saturating_add(1);
        let occurrence = self.wall_of_key(done.occurrence);
        let at = done.at.with_timezone(&self.zone).naive_local();
        let mut walk = match self.recurrence.mode {
            Mode::Fixed => self.walk(occurrence),
            Mode::CatchUp if self.is_date() => {
                self.walk(occurrence.max(at.date().and_time(NaiveTime::MIN)))
            }
            Mode::CatchUp => self.walk(occurrence.max(at)).later_than(done.at),
            Mode::AfterCompletion => self.walk_anew(number, occurrence, at, done.skipped)?,
        };
        let (wall, due_at) = walk.find(|(wall, _)| *wall != self.anchor())?;
        Some(self.occurrence_at(wall, due_at, number))
    }

    /// The first occurrence.
    pub fn first(&self) -> Occurrence {
        let wall = self.anchor();
        self.occurrence_at(wall, self.instant(wall), 1)
    }

    /// The step of the rule after `occurrence`, whatever the mode, or the first one. It has the number after `number`.
    pub fn due_after(&self, occurrence: Option<&str>, number: i64) -> Option<Occurrence> {
        if self.is_paused {
            return None;
        }
        let walk = match occurrence {
            Some(key) => self.walk(self.wall_of_key(key)),
            None => self.walk_from_start(),
        };
        self.occurrence(walk, number.saturating_add(1))
    }

    /// The occurrences after the one with this key and number, or all of them, ascending. With the mode after_completion, each is taken
    /// to be done when it is due. The caller limits the number.
    pub fn coming<'s>(&'s self, after: Option<(&str, i64)>) -> Coming<'s> {
        let (last, number) = match after {
            Some((key, number)) => (Some(key.to_owned()), number),
            None => (None, 0),
        };
        let walk = match &last {
            None => self.walk_from_start(),
            Some(key) => self.walk(self.wall_of_key(key)),
        };
        Coming {
            series: self,
            walk,
            last,
            number,
        }
    }

    /// The steps of the rule and the added dates after the first occurrence, as starts and instants.
    pub(super) fn steps_after_first(&self) -> Walk<'_> {
        self.walk(self.anchor())
    }

    /// The start of the first occurrence on the wall clock.
    pub(super) fn anchor(&self) -> NaiveDateTime {
        self.wall_of(&self.start)
    }

    pub(super) fn start(&self) -> &Due {
        &self.start
    }

    fn is_date(&self) -> bool {
        matches!(self.start, Due::Date(_))
    }

    fn wall_of(&self, due: &Due) -> NaiveDateTime {
        let wall = match due {
            Due::Date(date) => date.and_time(NaiveTime::MIN),
            Due::Local { datetime, timezone } if *timezone == self.zone => *datetime,
            due => due
                .instant_in(self.zone)
                .with_timezone(&self.zone)
                .naive_local(),
        };
        self.key_at(wall).wall()
    }

    /// The start of an occurrence that is named by its key. A text that is no key names the first one.
    pub(super) fn wall_of_key(&self, key: &str) -> NaiveDateTime {
        let wall = Key::read(key).map(|key| self.key_at(key.wall()).wall());
        wall.unwrap_or_else(|| self.anchor())
    }

    fn key_at(&self, wall: NaiveDateTime) -> Key {
        match self.is_date() {
            true => Key::Date(wall.date()),
            false => Key::Local(wall),
        }
    }

    /// The instant of an occurrence.
    pub(super) fn instant(&self, wall: NaiveDateTime) -> DateTime<Utc> {
        match self.start {
            _ if wall == self.anchor() => self.start.instant_in(self.zone),
            Due::Date(_) => end_of_day(wall.date(), self.zone),
            _ => resolve_local(wall, self.zone),
        }
    }

    /// Whether `exdates` has a start.
    pub(super) fn excludes(&self, wall: NaiveDateTime) -> bool {
        let excluded = &self.recurrence.exdates;
        !excluded.is_empty() && excluded.binary_search(&self.key_at(wall)).is_ok()
    }

    fn walk(&self, after: NaiveDateTime) -> Walk<'_> {
        let steps = self.steps(self.anchor());
        let last = self.last_of_count();
        self.with_floor(Walk::new(self, steps, last).after(after))
    }

    fn walk_from_start(&self) -> Walk<'_> {
        let steps = self.steps(self.anchor());
        let last = self.last_of_count();
        self.with_floor(Walk::new(self, steps, last).with_first())
    }

    /// The rule, started again by a completion. `None`: COUNT is reached.
    fn walk_anew(
        &self,
        number: i64,
        occurrence: NaiveDateTime,
        at: NaiveDateTime,
        skipped: bool,
    ) -> Option<Walk<'_>> {
        let rule = &self.recurrence.rule;
        if rule.count.is_some_and(|count| number > i64::from(count)) {
            return None;
        }
        let at = if skipped { at.max(occurrence) } else { at };
        let (anchor, after) = match rule.frequency {
            Frequency::Hourly => (at.with_nanosecond(0).unwrap_or(at), at),
            _ => {
                let end_of_day = at.date().and_time(NaiveTime::MIN) + TimeDelta::days(1)
                    - TimeDelta::nanoseconds(1);
                (at.date().and_time(self.anchor().time()), end_of_day)
            }
        };
        let walk = Walk::new(self, self.steps(anchor), None);
        // Each occurrence is later than the one done, so that no key repeats. Only the first one may be far ahead, because nothing but
        // the client says when it is.
        let after = match occurrence == self.anchor() {
            true => after,
            false => after.max(occurrence),
        };
        Some(self.with_floor(walk.after(after)))
    }

    pub(super) fn steps(&self, anchor: NaiveDateTime) -> Steps<'_> {
        let Recurrence { rule, skip, .. } = &self.recurrence;
        Steps::new(rule, *skip, anchor, self.is_date())
    }

    /// The last start that COUNT allows.
    fn last_of_count(&self) -> Option<NaiveDateTime> {
        let count = self.recurrence.rule.count?;
        let anchor = self.anchor();
        let Some(after_second) = count.checked_sub(2) else {
            return Some(anchor);
        };
        let mut steps = self.steps(anchor);
        steps.pass(anchor);
        steps.skip_steps(usize::try_from(after_second).ok()?)
    }

    /// No occurrence before the series was resumed. Of dates, the day of it counts as a whole.
    fn with_floor<'s>(&'s self, walk: Walk<'s>) -> Walk<'s> {
        match self.resumed_at {
            None => walk,
            Some(at) => {
                let wall = at.with_timezone(&self.zone).naive_local();
                let from = self.key_at(wall).wall();
                walk.after(from - TimeDelta::nanoseconds(1))
                    .later_than(at - TimeDelta::nanoseconds(1))
            }
        }
    }

    fn occurrence(&self, mut walk: Walk<'_>, number: i64) -> Option<Occurrence> {
        let (wall, due_at) = walk.next()?;
        Some(self.occurrence_at(wall, due_at, number))
    }

    fn occurrence_at(&self, wall: NaiveDateTime, due_at: DateTime<Utc>, number: i64) -> Occurrence {
        let due = match self.start {
            start if wall == self.anchor() => start,
            Due::Date(_) => Due::Date(wall.date()),
            Due::Local { timezone, .. } => Due::Local {
                datetime: wall,
                timezone,
            },
            Due::Instant(_) => Due::Instant(due_at.fixed_offset()),
        };
        Occurrence {
            key: self.key_at(wall).to_string(),
            number,
            due,
            due_at,
        }
    }
}

/// Occurrences in ascending order.
pub struct Coming<'s> {
    series: &'s Series,
    walk: Walk<'s>,
    last: Option<String>,
    number: i64,
}

impl Iterator for Coming<'_> {
    type Item = Occurrence;

    fn next(&mut self) -> Option<Occurrence> {
        let series = self.series;
        if series.is_paused {
            return None;
        }
        let found = match &self.last {
            Some(key) if series.recurrence.mode == Mode::AfterCompletion => {
                let at = series.instant(series.wall_of_key(key));
                series.next(&Done {
                    occurrence: key,
                    number: self.number,
                    at,
                    skipped: false,
                })?
            }
            _ => {
                let (wall, due_at) = self.walk.next()?;
                series.occurrence_at(wall, due_at, self.number.saturating_add(1))
            }
        };
        self.number = found.number;
        self.last = Some(found.key.clone());
        Some(found)
    }
}

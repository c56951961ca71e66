//! The steps of a rule on the wall clock, ascending, from the first occurrence to the end of the years that due dates may have.
//!
//! The crate rrule and its fork rrule2 (0.14 and 0.15) were tried: both differ from libical on 20 of its vectors, and neither
//! knows `skip` of RFC 7529, which has to be applied inside of the expansion, before BYSETPOS. A rule that never occurs took 14 ms.
//! So the expansion is our own. It makes the occurrences of a day or of a period at once, so that passing over a million of them
//! costs no more than passing over their days, and no rule costs more than the about 47,000 days of those years.

use std::collections::{BTreeSet, VecDeque};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use super::Skip;
use super::days::Calendar;
use super::rule::{Frequency, Rule};
use crate::zone::YEARS;

/// Occurrences that are made at once, ascending.
enum Batch {
    /// All times of a day: the hours, as bits, each with all marks.
    Day(NaiveDate, u32),
    /// What BYSETPOS has selected of a period.
    Picked(Vec<NaiveDateTime>),
}

/// The steps before a time.
pub struct Counted {
    pub made: i64,
    /// Whether there is a step at that time.
    pub is_step: bool,
}

/// An iterator over the steps of a rule that are after a given time.
pub struct Steps<'r> {
    calendar: Calendar<'r>,
    anchor: NaiveDateTime,
    /// The hours of each day, as bits, unless the rule is hourly: then those that BYHOUR allows.
    hours: u32,
    /// Times within an hour.
    marks: Vec<TimeDelta>,
    period: i64,
    batches: VecDeque<Batch>,
    /// The position in the first batch.
    index: usize,
    /// The last day that has been made. `skip` can make a day in two periods.
    last_day: Option<NaiveDate>,
    /// Selected by BYSETPOS, but the next period may have made earlier ones.
    held: BTreeSet<NaiveDateTime>,
}

impl<'r> Steps<'r> {
    /// The steps at `anchor`, if the rule fits it, and after it. With `is_date`, all are at midnight, and the parts of the rule for
    /// times do not count (RFC 5545, section 3.3.10).
    pub fn new(rule: &'r Rule, skip: Skip, anchor: NaiveDateTime, is_date: bool) -> Self {
        let given = |list: &[i32], default: u32| match list.is_empty() || is_date {
            true => vec![default],
            false => list.iter().filter_map(|n| u32::try_from(*n).ok()).collect(),
        };
        let all_hours = rule.frequency == Frequency::Hourly && rule.hours.is_empty() && !is_date;
        let hours = match all_hours {
            true => (0..24).collect(),
            false => given(&rule.hours, anchor.hour()),
        };
        let mut marks = Vec::new();
        for minute in given(&rule.minutes, anchor.minute()) {
            for second in given(&rule.seconds, anchor.second()) {
                let mark = i64::from(minute * 60 + second);
                marks.push(
                    TimeDelta::seconds(mark)
                        + TimeDelta::nanoseconds(i64::from(anchor.nanosecond())),
                );
            }
        }
        if rule.frequency == Frequency::Hourly && !rule.positions.is_empty() {
            let picked = positions(rule, marks.len());
            marks = picked
                .into_iter()
                .filter_map(|index| marks.get(index).copied())
                .collect();
        }
        Self {
            calendar: Calendar {
                rule,
                skip,
                anchor: anchor.date(),
            },
            anchor,
            hours: hours.into_iter().fold(0, |bits, hour| bits | 1 << hour),
            marks,
            period: 0,
            batches: VecDeque::new(),
            index: 0,
            last_day: None,
            held: BTreeSet::new(),
        }
    }

    /// Goes on with the first step after `wall`. Going back is not possible.
    pub fn pass(&mut self, wall: NaiveDateTime) {
        // `skip` can move a day into the next period or the one before, and a year of weeks can start later than the year.
        let period = self.calendar.period_of(wall.date()) - 1;
        if period > self.period {
            self.period = period;
            self.batches.clear();
            self.index = 0;
        }
        while self.fill() {
            let (from, length) = (self.index, self.length());
            if let Some(found) = first(from, length, |index| self.at(index) > Some(wall)) {
                self.index = found;
                return;
            }
            self.next_batch();
        }
    }

    /// The step `count` steps after the next one.
    pub fn skip_steps(&mut self, mut count: usize) -> Option<NaiveDateTime> {
        while self.fill() {
            let rest = self.length() - self.index;
            if count < rest {
                self.index += count;
                return self.next();
            }
            count -= rest;
            self.next_batch();
        }
        None
    }

    /// How many steps are before `wall`, from the next one on, and whether there is one at `wall`. Ends there.
    pub fn count_until(&mut self, wall: NaiveDateTime) -> Counted {
        let mut made = 0;
        while self.fill() {
            let (from, length) = (self.index, self.length());
            let found = first(from, length, |index| self.at(index) >= Some(wall));
            made += found.unwrap_or(length) - from;
            if let Some(found) = found {
                let is_step = self.at(found) == Some(wall);
                return Counted {
                    made: i64::try_from(made).unwrap_or(i64::MAX),
                    is_step,
                };
            }
            self.next_batch();
        }
        Counted {
            made: i64::try_from(made).unwrap_or(i64::MAX),
            is_step: false,
        }
    }

    fn next_batch(&mut self) {
        self.batches.pop_front();
        self.index = 0;
    }

    /// The number of occurrences in the first batch.
    fn length(&self) -> usize {
        match self.batches.front() {
            None => 0,
            Some(Batch::Day(_, hours)) => hours.count_ones() as usize * self.marks.len(),
            Some(Batch::Picked(list)) => list.len(),
        }
    }

    /// The occurrence at `index` of the first batch.
    fn at(&self, index: usize) -> Option<NaiveDateTime> {
        match self.batches.front()? {
            Batch::Day(date, hours) => self.time(*date, *hours, index),
            Batch::Picked(list) => list.get(index).copied(),
        }
    }

    fn time(&self, date: NaiveDate, hours: u32, index: usize) -> Option<NaiveDateTime> {
        let mark = self.marks.get(index % self.marks.len())?;
        let mut left = hours;
        for _ in 0..index / self.marks.len() {
            left &= left.wrapping_sub(1);
        }
        (left != 0).then(|| {
            date.and_time(NaiveTime::MIN)
                + TimeDelta::hours(i64::from(left.trailing_zeros()))
                + *mark
        })
    }

    /// Makes batches until there is one. `false`: the rule has ended.
    fn fill(&mut self) -> bool {
        while self.batches.is_empty() {
            let start = self.calendar.start(self.period);
            let start = start.filter(|start| start.year() <= *YEARS.end());
            self.period += 1;
            match start {
                Some(start) if self.picks() => self.fill_picked(start),
                Some(start) => self.fill_days(start),
                None => {
                    let rest: Vec<_> = std::mem::take(&mut self.held).into_iter().collect();
                    self.push(rest);
                    return !self.batches.is_empty();
                }
            }
        }
        true
    }

    /// Whether BYSETPOS selects from whole periods. For hourly rules it has already selected the marks.
    fn picks(&self) -> bool {
        let rule = self.calendar.rule;
        !rule.positions.is_empty() && rule.frequency != Frequency::Hourly
    }

    fn fill_days(&mut self, start: NaiveDate) {
        // Most of the time goes here for rules by the day, which have the most periods. So no list is made for one day.
        if self.calendar.is_by_day() {
            if self.calendar.fits(start) {
                self.add_day(start);
            }
            return;
        }
        for date in self.calendar.days(start) {
            if self.last_day.is_none_or(|last| date > last) {
                self.last_day = Some(date);
                self.add_day(date);
            }
        }
    }

    fn add_day(&mut self, date: NaiveDate) {
        let hours = self.hours_of(date);
        if hours != 0 && !self.marks.is_empty() {
            self.batches.push_back(Batch::Day(date, hours));
        }
    }

    fn fill_picked(&mut self, start: NaiveDate) {
        let days = self.calendar.days(start);
        if days.is_empty() && self.held.is_empty() {
            return;
        }
        let a_day = self.hours.count_ones() as usize * self.marks.len();
        for index in positions(self.calendar.rule, days.len() * a_day) {
            let day = days.get(index / a_day);
            let time = day.and_then(|day| self.time(*day, self.hours, index % a_day));
            self.held.extend(time);
        }
        if self.held.is_empty() {
            return;
        }
        // The next period can have made a day before its start, which then is the last of this one.
        let next = self
            .calendar
            .start(self.period)
            .and_then(|next| next.pred_opt());
        if let Some(next) = next {
            let later = self.held.split_off(&next.and_time(NaiveTime::MIN));
            let ready = std::mem::replace(&mut self.held, later);
            self.push(ready.into_iter().collect());
        }
    }

    fn push(&mut self, picked: Vec<NaiveDateTime>) {
        if !picked.is_empty() {
            self.batches.push_back(Batch::Picked(picked));
        }
    }

    /// The hours of a day, as bits. The interval of an hourly rule runs on across days.
    fn hours_of(&self, date: NaiveDate) -> u32 {
        let rule = self.calendar.rule;
        if rule.frequency != Frequency::Hourly || rule.interval == 1 {
            return self.hours;
        }
        let interval = i64::from(rule.interval);
        let since = (date - self.anchor.date()).num_hours() - i64::from(self.anchor.hour());
        let first = (-since).rem_euclid(interval);
        let mut bits = 0;
        let mut hour = first;
        while hour < 24 {
            bits |= 1 << hour;
            hour += interval;
        }
        bits & self.hours
    }
}

impl Iterator for Steps<'_> {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        while self.fill() {
            let found = self.at(self.index);
            match found {
                Some(wall) => {
                    self.index += 1;
                    if !YEARS.contains(&wall.year()) {
                        return None;
                    }
                    // The first period has days before the first occurrence.
                    if wall >= self.anchor {
                        return Some(wall);
                    }
                }
                None => self.next_batch(),
            }
        }
        None
    }
}

/// The indexes that BYSETPOS selects of `length` occurrences, ascending.
fn positions(rule: &Rule, length: usize) -> BTreeSet<usize> {
    let index = |position: &i32| {
        let distance = usize::try_from(position.unsigned_abs()).ok()?;
        let index = match *position > 0 {
            true => distance.checked_sub(1)?,
            false => length.checked_sub(distance)?,
        };
        (index < length).then_some(index)
    };
    rule.positions.iter().filter_map(index).collect()
}

/// The first index from `from` to `length` that fits, if all after one that fits do, too.
fn first(from: usize, length: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut low, mut high) = (from, length);
    while low < high {
        let middle = low + (high - low) / 2;
        match fits(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    (low < length).then_some(low)
}

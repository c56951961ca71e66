//! The occurrences of a series: the steps of its rule up to its end, without the excluded ones, with the added ones, in their
//! timezone.

use std::collections::VecDeque;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::rule::Until;
use super::series::Series;
use super::steps::Steps;

/// An iterator over starts on the wall clock and their instants. Both ascend strictly.
pub struct Walk<'s> {
    series: &'s Series,
    /// `None`: the rule has ended.
    steps: Option<Steps<'s>>,
    /// The step that comes next, if it is known already.
    step: Option<NaiveDateTime>,
    /// The last step that COUNT allows.
    last: Option<NaiveDateTime>,
    /// Starts that need not fit the rule, ascending: the first occurrence, if it is wanted, and the added dates.
    added: VecDeque<NaiveDateTime>,
    after: Option<NaiveDateTime>,
    /// Only later instants. An occurrence in a gap of the clocks can fall onto another's instant.
    later_than: Option<DateTime<Utc>>,
}

impl<'s> Walk<'s> {
    /// All steps up to `last`, and all added dates.
    pub fn new(series: &'s Series, steps: Steps<'s>, last: Option<NaiveDateTime>) -> Self {
        let added = series.recurrence().rdates.iter().map(|key| key.wall());
        let anchor = series.anchor();
        Self {
            series,
            steps: Some(steps),
            step: None,
            last,
            added: added.filter(|wall| *wall > anchor).collect(),
            after: None,
            later_than: None,
        }
    }

    /// Begins with the first occurrence.
    pub fn with_first(mut self) -> Self {
        self.added.push_front(self.series.anchor());
        self
    }

    /// Leaves out what does not start after `wall`.
    pub fn after(mut self, wall: NaiveDateTime) -> Self {
        if let Some(steps) = &mut self.steps {
            steps.pass(wall);
        }
        self.after = self.after.max(Some(wall));
        let instant = self.series.instant(wall);
        self.later_than(instant)
    }

    /// Leaves out what is not later than `instant`.
    pub fn later_than(mut self, instant: DateTime<Utc>) -> Self {
        self.later_than = self.later_than.max(Some(instant));
        self
    }

    /// Looks for the next step, unless it is known.
    fn find_step(&mut self) {
        if self.step.is_some() {
            return;
        }
        let found = self.steps.as_mut().and_then(Iterator::next);
        self.step =
            found.filter(|wall| self.last.is_none_or(|last| *wall <= last) && !self.is_over(*wall));
        if self.step.is_none() {
            self.steps = None;
        }
    }

    /// Whether a step is after UNTIL, which is inclusive.
    fn is_over(&self, wall: NaiveDateTime) -> bool {
        match self.series.recurrence().rule.until {
            None => false,
            Some(Until::Date(date)) => wall.date() > date,
            Some(Until::Local(local)) => wall > local,
            Some(Until::Utc(utc)) => self.series.instant(wall) > utc.and_utc(),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = (NaiveDateTime, DateTime<Utc>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.find_step();
            let added = self.added.front().copied();
            let wall = self.step.into_iter().chain(added).min()?;
            self.step = self.step.filter(|step| *step != wall);
            if added == Some(wall) {
                self.added.pop_front();
            }
            if self.after >= Some(wall) {
                continue;
            }
            self.after = Some(wall);
            if self.series.excludes(wall) {
                continue;
            }
            let instant = self.series.instant(wall);
            if self.later_than < Some(instant) {
                self.later_than = Some(instant);
                return Some((wall, instant));
            }
        }
    }
}

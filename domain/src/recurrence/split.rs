//! A series in two: what was before an occurrence, and what is left from it on.

use chrono::{Datelike, NaiveDateTime, TimeDelta, Weekday};

use super::rule::{Day, Frequency, Rule, Until};
use super::{Key, Mode, Recurrence, Series};
use crate::due::Due;

impl Series {
    /// Splits the series at an occurrence, which has this number. The first half ends before it. The second half is for a series that
    /// starts with the due date of that occurrence; with the same rule, both make what the whole would have made.
    ///
    /// The first half may be only one occurrence, which [`Recurrence::check`] would refuse.
    ///
    /// Where the rule takes something from the first occurrence, the second half says it: the rest of a series on each 31st does not
    /// stay on the 28th because it was split in February. Only the interval of months or years counts anew, from the period in which
    /// the occurrence is. That makes a difference if `skip` has moved it into another period, or if it was added by `rdates`.
    pub fn split(&self, occurrence: &str, number: i64) -> (Recurrence, Recurrence) {
        let wall = self.wall_of_key(occurrence);
        let whole = self.recurrence();
        let halves = |keys: &[Key]| -> (Vec<Key>, Vec<Key>) {
            keys.iter().partition(|key| key.wall() < wall)
        };
        let (exdates_before, exdates) = halves(&whole.exdates);
        let (rdates_before, rdates) = halves(&whole.rdates);
        let mut before = whole.rule.clone();
        before.count = None;
        before.until = Some(self.end_before(wall));
        let mut rest = whole.rule.clone();
        self.fix_day(&mut rest, wall);
        rest.count = whole.rule.count.map(|count| {
            let made = self.made_before(wall, number);
            u32::try_from(i64::from(count) - made)
                .unwrap_or_default()
                .max(1)
        });
        let rest_text = match rest == whole.rule {
            true => whole.text.clone(),
            false => rest.to_string(),
        };
        let half = |text, rule, exdates, rdates| Recurrence {
            text,
            rule,
            exdates,
            rdates,
            shorthand: None,
            ..whole.clone()
        };
        (
            half(before.to_string(), before, exdates_before, rdates_before),
            half(rest_text, rest, exdates, rdates),
        )
    }

    /// The last moment before an occurrence, as an end of a rule.
    fn end_before(&self, wall: NaiveDateTime) -> Until {
        let second = TimeDelta::seconds(1);
        match self.start() {
            Due::Date(_) => Until::Date((wall - TimeDelta::days(1)).date()),
            Due::Local { .. } => Until::Local(wall - second),
            Due::Instant(_) => Until::Utc(self.instant(wall).naive_utc() - second),
        }
    }

    /// How many occurrences before this one count against COUNT.
    fn made_before(&self, wall: NaiveDateTime, number: i64) -> i64 {
        let anchor = self.anchor();
        if self.recurrence().mode == Mode::AfterCompletion || wall <= anchor {
            return number - 1;
        }
        let mut steps = self.steps(anchor);
        steps.pass(anchor);
        let later = steps.count_until(wall);
        // An occurrence that was added does not count, but it will as the first of the rest.
        1 + later.made - i64::from(!later.is_step)
    }

    /// Writes into the rule what it takes from the first occurrence, unless the other one says the same.
    fn fix_day(&self, rule: &mut Rule, wall: NaiveDateTime) {
        let anchor = self.anchor();
        let day = i32::try_from(anchor.day()).unwrap_or(1);
        let month = i32::try_from(anchor.month()).unwrap_or(1);
        let weekday = |weekday: Weekday| Day {
            ordinal: None,
            weekday,
        };
        let has_days =
            !(rule.month_days.is_empty() && rule.year_days.is_empty() && rule.days.is_empty());
        let is_same_day = anchor.day() == wall.day();
        let by_weekday = rule.frequency == Frequency::Weekly || !rule.weeks.is_empty();
        match rule.frequency {
            _ if has_days => {}
            _ if by_weekday && anchor.weekday() != wall.weekday() => {
                rule.days = vec![weekday(anchor.weekday())];
            }
            _ if by_weekday => {}
            Frequency::Monthly if !is_same_day => rule.month_days = vec![day],
            Frequency::Yearly
                if !is_same_day || (rule.months.is_empty() && anchor.month() != wall.month()) =>
            {
                rule.month_days = vec![day];
                if rule.months.is_empty() {
                    rule.months = vec![month];
                }
            }
            _ => {}
        }
    }
}

//! The days that a rule has in one period: a year, a month, a week, or a day.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::Skip;
use super::rule::{Day, Frequency, Rule};

/// Computes days. The day of the first occurrence stands in where the rule leaves something open: the month, the day of the month,
/// or the weekday.
pub struct Calendar<'r> {
    pub rule: &'r Rule,
    pub skip: Skip,
    pub anchor: NaiveDate,
}

impl Calendar<'_> {
    /// The first day of the period with a number; 0 is the period of the first occurrence. For hourly rules, a period is a day here.
    /// `None` if the calendar ends before it.
    pub fn start(&self, period: i64) -> Option<NaiveDate> {
        let Rule {
            frequency,
            interval,
            week_start,
            ..
        } = *self.rule;
        let steps = period.checked_mul(i64::from(interval))?;
        let by_days = |from: NaiveDate, days: i64| {
            from.checked_add_days(Days::new(u64::try_from(days).ok()?))
        };
        match frequency {
            // Within a day, the interval selects hours.
            Frequency::Hourly => by_days(self.anchor, period),
            Frequency::Daily => by_days(self.anchor, steps),
            Frequency::Weekly => by_days(week(self.anchor, week_start)?, steps.checked_mul(7)?),
            Frequency::Monthly => {
                let months = i64::from(self.anchor.month0()).checked_add(steps)?;
                let year = i64::from(self.anchor.year()) + months / 12;
                let month = u32::try_from(months % 12).ok()? + 1;
                NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1)
            }
            Frequency::Yearly => {
                let year = i32::try_from(i64::from(self.year()?) + steps).ok()?;
                match self.rule.weeks.is_empty() {
                    true => NaiveDate::from_ymd_opt(year, 1, 1),
                    false => first_week(year, week_start),
                }
            }
        }
    }

    /// The number of the last period that starts on `date` or before it, at least 0. With BYWEEKNO, it can be one more or less, because
    /// a year of weeks starts up to three days before or after the year.
    pub fn period_of(&self, date: NaiveDate) -> i64 {
        let days = (date - self.anchor).num_days();
        let units = match self.rule.frequency {
            Frequency::Hourly => return days.max(0),
            Frequency::Daily => days,
            Frequency::Weekly => {
                let from = i64::from(self.anchor.weekday().days_since(self.rule.week_start));
                (days + from).div_euclid(7)
            }
            Frequency::Monthly => {
                let years = i64::from(date.year()) - i64::from(self.anchor.year());
                years * 12 + i64::from(date.month0()) - i64::from(self.anchor.month0())
            }
            Frequency::Yearly => {
                let base = self.year().unwrap_or(self.anchor.year());
                i64::from(date.year()) - i64::from(base)
            }
        };
        units.div_euclid(i64::from(self.rule.interval)).max(0)
    }

    /// The year of the first occurrence. A rule by weeks counts years of weeks, so that each week belongs to one year.
    fn year(&self) -> Option<i32> {
        let year = self.anchor.year();
        if self.rule.weeks.is_empty() {
            return Some(year);
        }
        let start = self.rule.week_start;
        if self.anchor < first_week(year, start)? {
            Some(year - 1)
        } else if self.anchor >= first_week(year + 1, start)? {
            Some(year + 1)
        } else {
            Some(year)
        }
    }

    /// Whether a period is a day.
    pub fn is_by_day(&self) -> bool {
        matches!(self.rule.frequency, Frequency::Hourly | Frequency::Daily)
    }

    /// Whether a day fits, for rules whose period is a day.
    pub fn fits(&self, date: NaiveDate) -> bool {
        self.has_month(date)
            && self.has_month_day(date)
            && self.has_year_day(date)
            && self.has_weekday(date)
    }

    /// The days of a period, of which `start` is the first day: sorted, without duplicates.
    pub fn days(&self, start: NaiveDate) -> Vec<NaiveDate> {
        let mut days = match self.rule.frequency {
            Frequency::Hourly | Frequency::Daily if self.fits(start) => vec![start],
            Frequency::Hourly | Frequency::Daily => Vec::new(),
            Frequency::Weekly => self.in_week(start),
            Frequency::Monthly if !self.has_month(start) => Vec::new(),
            Frequency::Monthly => self.in_month(start.year(), start.month()),
            Frequency::Yearly if self.rule.weeks.is_empty() => self.in_year(start.year()),
            Frequency::Yearly => self.in_weeks(start),
        };
        days.sort_unstable();
        days.dedup();
        days
    }

    fn in_week(&self, start: NaiveDate) -> Vec<NaiveDate> {
        let wanted = |date: &NaiveDate| match self.rule.days.is_empty() {
            true => date.weekday() == self.anchor.weekday(),
            false => self.has_weekday(*date),
        };
        let week = start.iter_days().take(7);
        week.filter(|date| wanted(date) && self.has_month(*date))
            .collect()
    }

    fn in_month(&self, year: i32, month: u32) -> Vec<NaiveDate> {
        let by_number = |numbers: &[i32]| -> Vec<NaiveDate> {
            let place = |day: &i32| self.month_day(year, month, *day);
            numbers.iter().filter_map(place).collect()
        };
        if !self.rule.month_days.is_empty() {
            let mut days = by_number(&self.rule.month_days);
            days.retain(|date| self.has_weekday(*date));
            days
        } else if self.rule.days.is_empty() {
            by_number(&[i32::try_from(self.anchor.day()).unwrap_or(1)])
        } else {
            let first = NaiveDate::from_ymd_opt(year, month, 1);
            self.weekdays(first, month_length)
        }
    }

    fn in_year(&self, year: i32) -> Vec<NaiveDate> {
        let rule = self.rule;
        let months = |months: &[i32]| -> Vec<NaiveDate> {
            let months = months.iter().filter_map(|month| u32::try_from(*month).ok());
            months
                .flat_map(|month| self.in_month(year, month))
                .collect()
        };
        if !rule.year_days.is_empty() {
            let place = |day: &i32| self.year_day(year, *day);
            let mut days: Vec<NaiveDate> = rule.year_days.iter().filter_map(place).collect();
            days.retain(|date| self.has_month(*date) && self.has_weekday(*date));
            if !rule.month_days.is_empty() {
                let by_month: Vec<i32> = self.months().collect();
                let other = months(&by_month);
                days.retain(|date| other.contains(date));
            }
            days
        } else if !rule.month_days.is_empty() || !(rule.days.is_empty() || rule.months.is_empty()) {
            let by_month: Vec<i32> = self.months().collect();
            months(&by_month)
        } else if !rule.days.is_empty() {
            let first = NaiveDate::from_ymd_opt(year, 1, 1);
            self.weekdays(first, year_length)
        } else if rule.months.is_empty() {
            months(&[i32::try_from(self.anchor.month()).unwrap_or(1)])
        } else {
            months(&rule.months)
        }
    }

    /// The days of BYDAY in the month or year that begins on `first`.
    fn weekdays(&self, first: Option<NaiveDate>, length: fn(NaiveDate) -> u32) -> Vec<NaiveDate> {
        let days = first.map(|first| first.iter_days().take(length(first) as usize));
        let days = days.into_iter().flatten();
        days.filter(|date| self.has_weekday(*date)).collect()
    }

    /// The months of BYMONTH, or all of them.
    fn months(&self) -> impl Iterator<Item = i32> {
        let all = self.rule.months.is_empty();
        (1..=12).filter(move |month| all || self.rule.months.contains(month))
    }

    /// The days in the weeks of a year that starts on `start`, with BYWEEKNO. The other parts only narrow them.
    fn in_weeks(&self, start: NaiveDate) -> Vec<NaiveDate> {
        let rule = self.rule;
        // The first week has four days in its year, so this day is in the year after which the weeks are named.
        let year = (start + Days::new(6)).year();
        let Some(next) = first_week(year + 1, rule.week_start) else {
            return Vec::new();
        };
        let last = (next - start).num_days() / 7;
        let only_weeks =
            rule.year_days.is_empty() && rule.month_days.is_empty() && rule.days.is_empty();
        let wanted = |date: &NaiveDate| {
            self.has_month(*date)
                && self.has_year_day(*date)
                && self.has_month_day(*date)
                && match only_weeks {
                    true => date.weekday() == self.anchor.weekday(),
                    false => self.has_weekday(*date),
                }
        };
        let weeks = rule.weeks.iter().map(|week| match i64::from(*week) {
            number if number > 0 => number,
            number => last + 1 + number,
        });
        let weeks = weeks.filter(|week| (1..=last).contains(week));
        let first_days = weeks.filter_map(|week| u64::try_from(7 * (week - 1)).ok());
        first_days
            .flat_map(|days| (start + Days::new(days)).iter_days().take(7))
            .filter(wanted)
            .collect()
    }

    /// The day of a month with a number, from the end if negative. What happens if the month has no such day is up to `skip` (RFC
    /// 7529, section 4.1).
    fn month_day(&self, year: i32, month: u32, number: i32) -> Option<NaiveDate> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let next = first.checked_add_months(chrono::Months::new(1))?;
        self.place(first, next, number)
    }

    /// The day of a year with a number, as [`Self::month_day`].
    fn year_day(&self, year: i32, number: i32) -> Option<NaiveDate> {
        let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
        let next = NaiveDate::from_ymd_opt(year.checked_add(1)?, 1, 1)?;
        self.place(first, next, number)
    }

    fn place(&self, first: NaiveDate, next: NaiveDate, number: i32) -> Option<NaiveDate> {
        let length = (next - first).num_days();
        let index = match i64::from(number) {
            number if number > 0 => number - 1,
            number => length + number,
        };
        if (0..length).contains(&index) {
            return first.checked_add_days(Days::new(u64::try_from(index).ok()?));
        }
        match (self.skip, index < 0) {
            (Skip::Omit, _) => None,
            (Skip::Backward, true) => first.pred_opt(),
            (Skip::Backward, false) => next.pred_opt(),
            (Skip::Forward, true) => Some(first),
            (Skip::Forward, false) => Some(next),
        }
    }

    fn has_month(&self, date: NaiveDate) -> bool {
        let months = &self.rule.months;
        months.is_empty()
            || months
                .iter()
                .any(|month| i64::from(*month) == i64::from(date.month()))
    }

    fn has_month_day(&self, date: NaiveDate) -> bool {
        let days = &self.rule.month_days;
        days.is_empty() || has_number(days, date.day(), month_length(date))
    }

    fn has_year_day(&self, date: NaiveDate) -> bool {
        let days = &self.rule.year_days;
        days.is_empty() || has_number(days, date.ordinal(), year_length(date))
    }

    /// Whether BYDAY allows a day. A number before the weekday counts in the month, or in the year for yearly rules without BYMONTH.
    fn has_weekday(&self, date: NaiveDate) -> bool {
        let in_year = self.rule.frequency == Frequency::Yearly && self.rule.months.is_empty();
        let (index, length) = match in_year {
            true => (date.ordinal0(), year_length(date)),
            false => (date.day0(), month_length(date)),
        };
        let is = |day: &Day| {
            day.weekday == date.weekday()
                && match day.ordinal {
                    None => true,
                    Some(nth) if nth > 0 => nth.unsigned_abs() == index / 7 + 1,
                    Some(nth) => nth.unsigned_abs() == (length - 1 - index) / 7 + 1,
                }
        };
        self.rule.days.is_empty() || self.rule.days.iter().any(is)
    }
}

/// Whether a list has `number`, or the negative number by which it is counted from the end of `length`.
fn has_number(list: &[i32], number: u32, length: u32) -> bool {
    let (number, length) = (i64::from(number), i64::from(length));
    list.iter()
        .any(|item| i64::from(*item) == number || i64::from(*item) == number - length - 1)
}

fn month_length(date: NaiveDate) -> u32 {
    u32::from(date.num_days_in_month())
}

fn year_length(date: NaiveDate) -> u32 {
    365 + u32::from(date.leap_year())
}

/// The first day of the week of a day.
fn week(date: NaiveDate, start: Weekday) -> Option<NaiveDate> {
    date.checked_sub_days(Days::new(u64::from(date.weekday().days_since(start))))
}

/// The first day of the first week of a year: the week that has at least four days in it.
fn first_week(year: i32, start: Weekday) -> Option<NaiveDate> {
    week(NaiveDate::from_ymd_opt(year, 1, 4)?, start)
}

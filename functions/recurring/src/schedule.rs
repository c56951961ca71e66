//! Series that run by schedule: an occurrence appears when it is due, whether the one before it is done or not.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use domain::due::Due;
use domain::recurrence::{Missed, Newest, Occurrence, Overlap, Series};
use domain::zone::end_of_day;

use crate::series::Next;

/// The most missed occurrences that are made.
const MOST_MISSED: usize = 100;
/// The first time before now in which missed occurrences are looked for. Each further one is longer, so that a series that stood still
/// for years is not expanded as a whole.
const FIRST_WINDOW: TimeDelta = TimeDelta::hours(12);
const GROWTH: i32 = 8;

/// What comes next. Of several missed occurrences, `missed` decides whether the newest or the oldest one is next; the others follow when the
/// agent looks again, which is at once.
pub fn next(series: &Series, newest: &Newest, now: DateTime<Utc>) -> Next {
    let recurrence = series.recurrence();
    let most = match recurrence.missed {
        Missed::CatchUp => 1,
        Missed::All => MOST_MISSED,
    };
    let (mut missed, coming) = missed(series, newest, now, most);
    let coming = coming.map(|coming| appears_at(series, &coming));
    if recurrence.overlap == Overlap::SkipWhileOpen && newest.open {
        missed.clear();
    }
    let occurrence = missed.pop_front().map(|occurrence| Occurrence {
        // Occurrences that are passed over have no number.
        number: newest.number.saturating_add(1),
        ..occurrence
    });
    // After the last occurrence the agent looks once more, to end the series.
    let at_once =
        Some(now).filter(|_| !missed.is_empty() || occurrence.is_some() && coming.is_none());
    Next {
        occurrence,
        look_at: at_once.or(coming),
    }
}

/// The newest occurrences, up to `most`, after the one that exists and up to now, in order, and the first one after now.
fn missed(
    series: &Series,
    newest: &Newest,
    now: DateTime<Utc>,
    most: usize,
) -> (VecDeque<Occurrence>, Option<Occurrence>) {
    let mut window = FIRST_WINDOW;
    loop {
        let from = now
            .checked_sub_signed(window)
            .map(|from| series.key(&Due::Instant(from.fixed_offset())))
            .filter(|from| *from > newest.occurrence);
        let key = from.as_deref().unwrap_or(&newest.occurrence);
        let mut found = VecDeque::new();
        let mut coming = None;
        for occurrence in series.coming(Some((key, newest.number))) {
            if appears_at(series, &occurrence) > now {
                coming = Some(occurrence);
                break;
            }
            found.push_back(occurrence);
            if found.len() > most {
                found.pop_front();
            }
        }
        if from.is_none() || found.len() == most {
            return (found, coming);
        }
        window = window.checked_mul(GROWTH).unwrap_or(TimeDelta::MAX);
    }
}

/// When the task of an occurrence appears: when it is due, or at the beginning of its day.
fn appears_at(series: &Series, occurrence: &Occurrence) -> DateTime<Utc> {
    match occurrence.due {
        Due::Date(day) => day.pred_opt().map_or(occurrence.due_at, |before| {
            end_of_day(before, series.zone()) + TimeDelta::microseconds(1)
        }),
        Due::Local { .. } | Due::Instant(_) => occurrence.due_at,
    }
}

#[cfg(test)]
mod tests {
    use domain::recurrence::Standing;
    use serde_json::{Value, json};

    use crate::series;
    use crate::series::tests::standing;

    /// What comes next of a daily series at 9:00 from 1 March in Berlin, whose newest occurrence is that of 1 March: its key, and when
    /// to look again.
    fn daily(recurrence: &Value, open: bool, now: &str) -> (Option<String>, Option<String>) {
        let mut members = json!({"rule": "FREQ=DAILY", "create": "on_schedule"});
        for (name, value) in recurrence.as_object().unwrap() {
            members[name] = value.clone();
        }
        let start = json!({"datetime": "2026-03-01T09:00:00", "timezone": "Europe/Berlin"});
        let newest = json!({"occurrence": "2026-03-01T09:00:00", "open": open});
        shown(&standing(&start, &members, &newest, now))
    }

    fn shown(standing: &Standing) -> (Option<String>, Option<String>) {
        let next = series::next(standing).unwrap().unwrap();
        if let Some(occurrence) = &next.occurrence {
            assert_eq!(occurrence.number, standing.after.number + 1);
        }
        let look_at = next.look_at;
        (
            next.occurrence.map(|occurrence| occurrence.key),
            look_at.map(|at| at.format("%dT%H:%M").to_string()),
        )
    }

    fn expect(key: Option<&str>, look_at: Option<&str>) -> (Option<String>, Option<String>) {
        (key.map(str::to_owned), look_at.map(str::to_owned))
    }

    #[test]
    fn an_occurrence_appears_when_it_is_due_whether_the_one_before_is_done_or_not() {
        for open in [true, false] {
            assert_eq!(
                daily(&json!({}), open, "2026-03-02T07:59:59Z"),
                expect(None, Some("02T08:00"))
            );
            assert_eq!(
                daily(&json!({}), open, "2026-03-02T08:00:00Z"),
                expect(Some("2026-03-02T09:00:00"), Some("03T08:00"))
            );
        }
    }

    #[test]
    fn missed_ones_appear_as_one_or_one_after_the_other() {
        let now = "2026-03-20T12:00:00Z";
        assert_eq!(
            daily(&json!({}), true, now),
            expect(Some("2026-03-20T09:00:00"), Some("21T08:00"))
        );
        assert_eq!(
            daily(&json!({"missed": "all"}), true, now),
            expect(Some("2026-03-02T09:00:00"), Some("20T12:00"))
        );
    }

    #[test]
    fn of_very_many_missed_ones_the_newest_hundred_appear() {
        // 31 August is the 184th day; the occurrence of 24 May is the hundredth before the end.
        assert_eq!(
            daily(&json!({"missed": "all"}), true, "2026-08-31T12:00:00Z"),
            expect(Some("2026-05-24T09:00:00"), Some("31T12:00"))
        );
        // A series that stood still for decades is not expanded as a whole.
        let hourly = json!({"rule": "FREQ=HOURLY"});
        assert_eq!(
            daily(&hourly, true, "2090-01-01T12:30:00Z"),
            expect(Some("2090-01-01T13:00:00"), Some("01T13:00"))
        );
    }

    #[test]
    fn nothing_appears_while_one_is_open_if_the_client_wants_that() {
        let skip = json!({"overlap": "skip_while_open", "missed": "all"});
        let now = "2026-03-05T12:00:00Z";
        assert_eq!(daily(&skip, true, now), expect(None, Some("06T08:00")));
        let (key, _) = daily(&skip, false, now);
        assert_eq!(key.as_deref(), Some("2026-03-02T09:00:00"));
    }

    #[test]
    fn the_last_occurrence_is_followed_by_the_end() {
        let twice = json!({"rule": "FREQ=DAILY;COUNT=2"});
        let now = "2026-03-05T12:00:00Z";
        assert_eq!(
            daily(&twice, true, now),
            expect(Some("2026-03-02T09:00:00"), Some("05T12:00"))
        );
        let once = json!({"rule": "FREQ=DAILY;COUNT=1"});
        assert_eq!(daily(&once, true, now), expect(None, None));
    }

    #[test]
    fn a_day_appears_when_it_begins_in_the_timezone_of_the_series() {
        let start = json!({"date": "2026-03-01"});
        let members = json!({"rule": "FREQ=DAILY", "create": "on_schedule"});
        let at = |now: &str| {
            let newest = json!({"occurrence": "2026-03-01", "open": true});
            shown(&standing(&start, &members, &newest, now))
        };
        assert_eq!(at("2026-03-01T22:59:59Z"), expect(None, Some("01T23:00")));
        assert_eq!(
            at("2026-03-01T23:00:00Z"),
            expect(Some("2026-03-02"), Some("02T23:00"))
        );
    }

    #[test]
    fn a_second_hour_of_the_night_hides_no_occurrence() {
        // At 2:30, a second time, 2:45 lies ahead on the wall clock, although its first instant has passed.
        let start = json!({"datetime": "2026-10-24T02:45:00", "timezone": "Europe/Berlin"});
        let members = json!({"rule": "FREQ=DAILY", "create": "on_schedule"});
        let newest = json!({"occurrence": "2026-10-24T02:45:00", "open": false});
        let standing = standing(&start, &members, &newest, "2026-10-25T01:30:00Z");
        assert_eq!(
            shown(&standing),
            expect(Some("2026-10-25T02:45:00"), Some("26T01:45"))
        );
    }
}

//! What must hold for every rule, in every mode and with every `skip`.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use domain::recurrence::{Done, Occurrence, Series};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::{Case, wall};

const SKIPS: [&str; 3] = ["omit", "backward", "forward"];

/// How many occurrences of each case are looked at.
const LENGTH: usize = 25;

/// Calls `check` with the first occurrences of each case.
fn each(mode: &str, check: impl Fn(&Series, &[Occurrence], &mut StdRng, &str)) {
    for (number, case) in Case::all().iter().enumerate().step_by(2) {
        let mut random = StdRng::seed_from_u64(number as u64);
        let skip = SKIPS[number % SKIPS.len()];
        let series = case.series(mode, skip);
        let found: Vec<_> = series.coming(None).take(LENGTH).collect();
        let name = format!(
            "case {number}, {} from {} with {skip}",
            case.rule, case.start
        );
        check(&series, &found, &mut random, &name);
    }
}

fn done(occurrence: &Occurrence, at: DateTime<Utc>) -> Done<'_> {
    Done {
        occurrence: &occurrence.key,
        number: occurrence.number,
        at,
        skipped: false,
    }
}

#[test]
fn occurrences_are_sorted_unique_and_inside_their_bounds() {
    for mode in ["fixed", "after_completion"] {
        each(mode, |series, found, _, name| {
            let first = found.first().unwrap();
            assert_eq!(first.number, 1, "{name}");
            for pair in found.windows(2) {
                let [one, two] = pair else { continue };
                assert!(wall(&one.key) < wall(&two.key), "{name}: {one:?}, {two:?}");
                assert!(one.due_at < two.due_at, "{name}: {one:?}, {two:?}");
                assert_eq!(one.number + 1, two.number, "{name}");
                assert!(wall(&two.key).year() <= 2099, "{name}");
            }
            for next in found {
                assert_eq!(series.key(&next.due), next.key, "{name}");
                assert_eq!(next.due.instant_in(series.zone()), next.due_at, "{name}");
            }
        });
    }
}

#[test]
fn the_next_occurrence_is_the_one_that_the_expansion_has() {
    each("fixed", |series, found, random, name| {
        for pair in found.windows(2) {
            let [one, two] = pair else { continue };
            let at = one.due_at + TimeDelta::minutes(random.random_range(-100_000..1_000_000));
            assert_eq!(series.next(&done(one, at)).as_ref(), Some(two), "{name}");
            assert_eq!(
                series.due_after(Some(&one.key), one.number).as_ref(),
                Some(two),
                "{name}"
            );
        }
        if let Some(last) = found.last().filter(|_| found.len() < LENGTH) {
            assert_eq!(series.next(&done(last, last.due_at)), None, "{name}");
        }
        let middle = random.random_range(0..found.len());
        let from = &found[middle];
        let rest: Vec<_> = series
            .coming(Some((&from.key, from.number)))
            .take(LENGTH - middle - 1)
            .collect();
        assert_eq!(rest, found[middle + 1..], "{name}");
    });
}

#[test]
fn catching_up_finds_the_first_occurrence_in_the_future() {
    each("catch_up", |series, found, random, name| {
        let (first, last) = (&found[0], &found[found.len() - 1]);
        let minutes = (last.due_at - first.due_at).num_minutes();
        let at = first.due_at + TimeDelta::minutes(random.random_range(-10..=minutes + 10));
        let day = at.with_timezone(&series.zone()).date_naive();
        let is_later = |next: &&Occurrence| match next.key.contains('T') {
            true => next.due_at > at,
            false => wall(&next.key).date() > day,
        };
        let expected = found[1..].iter().find(is_later);
        let next = series.next(&done(first, at));
        if expected.is_some() || found.len() < LENGTH {
            let key = expected.map(|next| &next.key);
            assert_eq!(next.as_ref().map(|next| &next.key), key, "{name} at {at}");
        }
    });
}

#[test]
fn what_follows_a_completion_is_after_it_and_after_the_occurrence() {
    each("after_completion", |series, found, random, name| {
        for one in found {
            let at = one.due_at + TimeDelta::minutes(random.random_range(-100_000..1_000_000));
            let day = at.with_timezone(&series.zone()).naive_local();
            for skipped in [false, true] {
                let Some(next) = series.next(&Done {
                    skipped,
                    ..done(one, at)
                }) else {
                    continue;
                };
                // Only the first one may be so far ahead that the next one is before it.
                let is_first = one.key == series.first().key;
                assert!(
                    wall(&next.key) > wall(&one.key) || is_first && next.key != one.key,
                    "{name}: {one:?} at {at}: {next:?}"
                );
                let hourly = name.contains("HOURLY");
                let (next, at) = (
                    wall(&next.key),
                    if hourly {
                        day
                    } else {
                        day.date().and_hms_opt(23, 59, 59).unwrap()
                    },
                );
                assert!(next > at, "{name}: {one:?} at {at}: {next:?}");
            }
        }
    });
}

#[test]
fn the_halves_of_a_series_make_what_the_whole_makes() {
    let mut split = 0;
    for (number, case) in Case::all().iter().enumerate() {
        let mut random = StdRng::seed_from_u64(number as u64);
        let skip = SKIPS[number % SKIPS.len()];
        // An occurrence that was moved into another month counts the interval from there.
        let moves = skip != "omit" && case.rule.contains("INTERVAL");
        let whole = case.series("fixed", skip);
        let found: Vec<_> = whole.coming(None).take(LENGTH).collect();
        let at = random.random_range(0..found.len());
        if at == 0 || moves || case.rdates.contains(&found[at].key) {
            continue;
        }
        split += 1;
        let name = format!(
            "case {number}, {} from {} at {}",
            case.rule, case.start, found[at].key
        );
        let (first, second) = whole.split(&found[at].key, found[at].number);
        let first = Series::new(first, case.due(), whole.zone());
        let second = Series::new(second, found[at].due, whole.zone());
        let before: Vec<_> = first.coming(None).collect();
        assert_eq!(before, found[..at], "{name}");
        let keys =
            |list: &[Occurrence]| list.iter().map(|next| next.key.clone()).collect::<Vec<_>>();
        let rest: Vec<_> = second.coming(None).take(LENGTH - at).collect();
        assert_eq!(keys(&rest), keys(&found[at..]), "{name}");
    }
    assert!(split > 2000, "only {split} series were split");
}

//! Which occurrence follows which.

use chrono::{DateTime, Utc};

use super::series;
use crate::recurrence::{Done, Occurrence, Series};

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The keys of the first occurrences.
fn keys(series: &Series, count: usize) -> Vec<String> {
    series
        .coming(None)
        .take(count)
        .map(|next| next.key)
        .collect()
}

fn after(series: &Series, occurrence: &str, at: &str, skipped: bool) -> Option<Occurrence> {
    series.next(&Done {
        occurrence,
        number: 1,
        at: utc(at),
        skipped,
    })
}

/// The key after an occurrence that was completed.
fn next(series: &Series, occurrence: &str, at: &str) -> String {
    after(series, occurrence, at, false).map_or_else(String::new, |next| next.key)
}

const BERLIN: &str = "Europe/Berlin";

#[test]
fn each_kind_of_due_date_repeats_as_that_kind() {
    let rule = r#"{"unit":"day"}"#;
    let date = series(rule, r#"{"date":"2026-03-28"}"#, BERLIN);
    let found = after(&date, "2026-03-28", "2026-03-28T12:00:00Z", false).unwrap();
    assert_eq!(found.key, "2026-03-29");
    assert_eq!(found.number, 2);
    assert_eq!(found.due.to_json(), r#"{"date":"2026-03-29"}"#);
    assert_eq!(found.due_at, utc("2026-03-29T21:59:59.999999Z"));
    // The wall time stays the same when the clocks change.
    let local = r#"{"datetime":"2026-03-28T09:00:00","timezone":"Europe/Berlin"}"#;
    let local = series(rule, local, "Asia/Tokyo");
    let found = after(&local, "2026-03-28T09:00:00", "2026-03-28T12:00:00Z", false).unwrap();
    assert_eq!(found.key, "2026-03-29T09:00:00");
    assert_eq!(
        found.due.to_json(),
        r#"{"datetime":"2026-03-29T09:00:00","timezone":"Europe/Berlin"}"#
    );
    assert_eq!(found.due_at, utc("2026-03-29T07:00:00Z"));
    let instant = series(rule, r#"{"datetime":"2026-03-28T10:00:00+02:00"}"#, BERLIN);
    let found: Vec<_> = instant.coming(None).take(2).collect();
    assert_eq!(
        found[0].due.to_json(),
        r#"{"datetime":"2026-03-28T10:00:00+02:00"}"#
    );
    assert_eq!(found[0].key, "2026-03-28T09:00:00");
    assert_eq!(
        found[1].due.to_json(),
        r#"{"datetime":"2026-03-29T07:00:00Z"}"#
    );
    assert_eq!(found[1].number, 2);
}

#[test]
fn a_time_in_a_gap_moves_and_others_never_share_its_instant() {
    let hourly = series(
        r#"{"unit":"hour"}"#,
        r#"{"datetime":"2026-03-29T00:30:00","timezone":"Europe/Berlin"}"#,
        BERLIN,
    );
    // 02:30 does not exist and becomes 03:00, which is before 03:30.
    let instants: Vec<_> = hourly
        .coming(None)
        .take(5)
        .map(|next| next.due_at)
        .collect();
    let expected = [
        "2026-03-28T23:30:00Z",
        "2026-03-29T00:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-29T01:30:00Z",
        "2026-03-29T02:30:00Z",
    ];
    assert_eq!(instants, expected.map(utc));
    let whole = series(
        r#"{"unit":"hour"}"#,
        r#"{"datetime":"2026-03-29T01:00:00","timezone":"Europe/Berlin"}"#,
        BERLIN,
    );
    // 02:00 and 03:00 are one instant.
    assert_eq!(
        keys(&whole, 3),
        [
            "2026-03-29T01:00:00",
            "2026-03-29T02:00:00",
            "2026-03-29T04:00:00"
        ]
    );
    assert_eq!(
        next(&whole, "2026-03-29T02:00:00", "2026-03-29T00:00:00Z"),
        "2026-03-29T04:00:00"
    );
    let without = r#"{"unit":"hour","exdates":["2026-03-29T02:00:00"]}"#;
    let without = series(
        without,
        r#"{"datetime":"2026-03-29T01:00:00","timezone":"Europe/Berlin"}"#,
        BERLIN,
    );
    assert_eq!(
        keys(&without, 2),
        ["2026-03-29T01:00:00", "2026-03-29T03:00:00"]
    );
    // Samoa had no 30 December 2011.
    let samoa = series(
        r#"{"unit":"day"}"#,
        r#"{"date":"2011-12-29"}"#,
        "Pacific/Apia",
    );
    assert_eq!(keys(&samoa, 2), ["2011-12-29", "2011-12-31"]);
}

#[test]
fn days_that_do_not_exist_are_skipped_as_told() {
    let monthly = |skip: &str| {
        let rule = format!(r#"{{"unit":"month","skip":"{skip}"}}"#);
        keys(&series(&rule, r#"{"date":"2026-01-31"}"#, BERLIN), 5)
    };
    assert_eq!(
        monthly("backward"),
        [
            "2026-01-31",
            "2026-02-28",
            "2026-03-31",
            "2026-04-30",
            "2026-05-31"
        ]
    );
    assert_eq!(
        monthly("forward"),
        [
            "2026-01-31",
            "2026-03-01",
            "2026-03-31",
            "2026-05-01",
            "2026-05-31"
        ]
    );
    assert_eq!(
        monthly("omit"),
        [
            "2026-01-31",
            "2026-03-31",
            "2026-05-31",
            "2026-07-31",
            "2026-08-31"
        ]
    );
    let leap = series(r#"{"unit":"year"}"#, r#"{"date":"2024-02-29"}"#, BERLIN);
    assert_eq!(
        keys(&leap, 5),
        [
            "2024-02-29",
            "2025-02-28",
            "2026-02-28",
            "2027-02-28",
            "2028-02-29"
        ]
    );
    // The 31st does not drift, from whichever occurrence it is counted.
    let drift = series(r#"{"unit":"month"}"#, r#"{"date":"2026-01-31"}"#, BERLIN);
    assert_eq!(
        next(&drift, "2026-02-28", "2026-02-28T12:00:00Z"),
        "2026-03-31"
    );
    // skip comes before BYSETPOS: of the 31st and the 1st, the last in April is 1 May, which May has made, too.
    let picked = r#"{"rule":"FREQ=MONTHLY;BYMONTHDAY=31,1;BYSETPOS=-1","skip":"forward"}"#;
    let picked = series(picked, r#"{"date":"2026-04-01"}"#, BERLIN);
    assert_eq!(
        keys(&picked, 4),
        ["2026-04-01", "2026-05-01", "2026-05-31", "2026-07-01"]
    );
}

#[test]
fn the_first_due_date_counts_though_the_rule_does_not_fit_it() {
    let start = r#"{"date":"2026-03-04"}"#;
    let counted = series(r#"{"unit":"week","on":["MO"],"count":3}"#, start, BERLIN);
    assert_eq!(
        keys(&counted, 9),
        ["2026-03-04", "2026-03-09", "2026-03-16"]
    );
    assert_eq!(next(&counted, "2026-03-16", "2026-03-16T12:00:00Z"), "");
    let until = series(
        r#"{"unit":"week","on":["MO"],"until":"2026-03-16"}"#,
        start,
        BERLIN,
    );
    assert_eq!(keys(&until, 9), ["2026-03-04", "2026-03-09", "2026-03-16"]);
    let once = series(r#"{"unit":"day","count":1}"#, start, BERLIN);
    assert_eq!(keys(&once, 9), ["2026-03-04"]);
}

#[test]
fn until_is_inclusive() {
    let local = r#"{"datetime":"2026-03-01T09:00:00","timezone":"Europe/Berlin"}"#;
    for (until, last) in [
        ("20260303", "2026-03-03T09:00:00"),
        ("20260303T090000", "2026-03-03T09:00:00"),
        ("20260303T085959", "2026-03-02T09:00:00"),
        ("20260303T080000Z", "2026-03-03T09:00:00"),
        ("20260303T075959Z", "2026-03-02T09:00:00"),
    ] {
        let rule = format!(r#"{{"rule":"FREQ=DAILY;UNTIL={until}"}}"#);
        let series = series(&rule, local, BERLIN);
        assert_eq!(keys(&series, 9).last().unwrap(), last, "{until}");
    }
}

#[test]
fn dates_can_be_excluded_and_added() {
    let rule = r#"{"unit":"day","count":4,"exdates":["2026-03-02"],"rdates":["2026-03-02","2026-03-10","2026-03-03"]}"#;
    let changed = series(rule, r#"{"date":"2026-03-01"}"#, BERLIN);
    // COUNT counts what the rule makes, as RFC 5545 has it.
    assert_eq!(
        keys(&changed, 9),
        ["2026-03-01", "2026-03-03", "2026-03-04", "2026-03-10"]
    );
    assert_eq!(
        next(&changed, "2026-03-04", "2026-03-04T12:00:00Z"),
        "2026-03-10"
    );
    assert_eq!(next(&changed, "2026-03-10", "2026-03-04T12:00:00Z"), "");
}

#[test]
fn fixed_goes_on_from_the_occurrence() {
    let weekly = series(
        r#"{"every":2,"unit":"week","on":["TU"]}"#,
        r#"{"date":"2026-03-03"}"#,
        BERLIN,
    );
    for at in [
        "2026-03-01T12:00:00Z",
        "2026-03-03T12:00:00Z",
        "2026-09-01T12:00:00Z",
    ] {
        assert_eq!(next(&weekly, "2026-03-03", at), "2026-03-17", "{at}");
    }
}

#[test]
fn catch_up_keeps_weekday_and_parity() {
    let rule = r#"{"every":2,"unit":"week","mode":"catch_up"}"#;
    let weekly = series(rule, r#"{"date":"2026-03-03"}"#, BERLIN);
    for (at, expected) in [
        ("2026-02-20T12:00:00Z", "2026-03-17"),
        ("2026-03-03T12:00:00Z", "2026-03-17"),
        ("2026-03-16T12:00:00Z", "2026-03-17"),
        ("2026-03-17T12:00:00Z", "2026-03-31"),
        // It is the 17th in Berlin already, or still.
        ("2026-03-16T23:30:00Z", "2026-03-31"),
        ("2026-03-17T22:30:00Z", "2026-03-31"),
        ("2026-06-01T12:00:00Z", "2026-06-09"),
    ] {
        assert_eq!(next(&weekly, "2026-03-03", at), expected, "{at}");
    }
    let timed = r#"{"datetime":"2026-03-03T09:00:00","timezone":"Europe/Berlin"}"#;
    let timed = series(r#"{"unit":"day","mode":"catch_up"}"#, timed, BERLIN);
    assert_eq!(
        next(&timed, "2026-03-03T09:00:00", "2026-03-10T07:59:59Z"),
        "2026-03-10T09:00:00"
    );
    assert_eq!(
        next(&timed, "2026-03-03T09:00:00", "2026-03-10T08:00:00Z"),
        "2026-03-11T09:00:00"
    );
}

#[test]
fn after_completion_counts_from_the_day_at_home() {
    let rule = r#"{"every":3,"unit":"day","mode":"after_completion"}"#;
    let date = series(rule, r#"{"date":"2026-03-03"}"#, BERLIN);
    for (at, expected) in [
        ("2026-03-03T12:00:00Z", "2026-03-06"),
        ("2026-03-10T12:00:00Z", "2026-03-13"),
        // After midnight in Berlin, and before it.
        ("2026-03-10T23:30:00Z", "2026-03-14"),
        ("2026-03-10T22:30:00Z", "2026-03-13"),
        // Early: not the same day again.
        ("2026-03-02T12:00:00Z", "2026-03-05"),
        ("2026-02-28T12:00:00Z", "2026-03-06"),
    ] {
        assert_eq!(next(&date, "2026-03-03", at), expected, "{at}");
    }
    let new_york = r#"{"datetime":"2026-03-03T21:00:00","timezone":"America/New_York"}"#;
    let new_york = series(rule, new_york, BERLIN);
    // After midnight in UTC, but not at home.
    assert_eq!(
        next(&new_york, "2026-03-03T21:00:00", "2026-03-04T03:00:00Z"),
        "2026-03-06T21:00:00"
    );
    let hourly = r#"{"every":5,"unit":"hour","mode":"after_completion"}"#;
    let hourly = series(hourly, r#"{"datetime":"2026-03-03T09:00:00Z"}"#, BERLIN);
    assert_eq!(
        next(&hourly, "2026-03-03T10:00:00", "2026-03-03T11:20:30.5Z"),
        "2026-03-03T17:20:30"
    );
    let weekly = r#"{"unit":"week","on":["MO","TH"],"mode":"after_completion"}"#;
    let weekly = series(weekly, r#"{"date":"2026-03-02"}"#, BERLIN);
    assert_eq!(
        next(&weekly, "2026-03-02", "2026-03-04T12:00:00Z"),
        "2026-03-05"
    );
    assert_eq!(
        next(&weekly, "2026-03-05", "2026-03-04T12:00:00Z"),
        "2026-03-09"
    );
    assert_eq!(
        keys(&weekly, 4),
        ["2026-03-02", "2026-03-05", "2026-03-09", "2026-03-12"]
    );
    let counted = r#"{"unit":"day","count":2,"mode":"after_completion"}"#;
    let counted = series(counted, r#"{"date":"2026-03-02"}"#, BERLIN);
    assert_eq!(keys(&counted, 9), ["2026-03-02", "2026-03-03"]);
}

#[test]
fn a_skip_counts_from_the_later_of_occurrence_and_today() {
    let rule = r#"{"every":3,"unit":"day","mode":"after_completion"}"#;
    let date = series(rule, r#"{"date":"2026-03-03"}"#, BERLIN);
    for (at, expected) in [
        ("2026-03-01T12:00:00Z", "2026-03-06"),
        ("2026-03-10T12:00:00Z", "2026-03-13"),
    ] {
        let found = after(&date, "2026-03-03", at, true).unwrap();
        assert_eq!(found.key, expected, "{at}");
    }
}

#[test]
fn a_series_is_read_paused_and_resumed() {
    let stored = |end: &str| {
        let text = format!(
            r#"{{"rule":"FREQ=DAILY","every":1,"mode":"fixed","timezone":"Europe/Berlin","start":{{"date":"2026-03-01"}},"later":1,{end}}}"#
        );
        Series::read(&text).unwrap()
    };
    let paused = stored(r#""paused_at":"2026-03-05T00:00:00+00:00","resumed_at":null"#);
    assert!(paused.is_paused());
    assert_eq!(next(&paused, "2026-03-01", "2026-03-01T12:00:00Z"), "");
    let resumed = stored(r#""paused_at":null,"resumed_at":"2026-04-01T22:30:00.123456+00:00""#);
    assert_eq!(
        next(&resumed, "2026-03-01", "2026-03-01T12:00:00Z"),
        "2026-04-02"
    );
    assert_eq!(
        next(&resumed, "2026-04-02", "2026-03-01T12:00:00Z"),
        "2026-04-03"
    );
    assert_eq!(resumed.due_after(Some("2026-03-01"), 4).unwrap().number, 5);
    for text in [
        "",
        "[]",
        "{}",
        r#"{"rule":"FREQ=DAILY","timezone":"Europe/Berlin"}"#,
    ] {
        assert!(Series::read(text).is_err(), "{text}");
    }
}

#[test]
fn the_definition_and_the_start_make_the_same_series() {
    let rule = r#"{"unit":"month","on":["-1FR"],"skip":"omit","exdates":["2026-04-24T09:00:00"]}"#;
    let start = r#"{"datetime":"2026-03-27T09:00:00","timezone":"Europe/Berlin"}"#;
    let made = series(rule, start, BERLIN);
    let definition = made.recurrence().definition(&super::due(start));
    let stored = format!(
        r#"{},"start":{start}}}"#,
        definition.strip_suffix('}').unwrap()
    );
    let read = Series::read(&stored).unwrap();
    assert_eq!(keys(&read, 20), keys(&made, 20));
    assert_eq!(read.key(&super::due(start)), "2026-03-27T09:00:00");
    assert_eq!(
        read.key(&super::due(r#"{"datetime":"2026-03-27T09:00:00Z"}"#)),
        "2026-03-27T10:00:00"
    );
}

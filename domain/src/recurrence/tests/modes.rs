//! What each mode makes of an occurrence that was done early, on time, late, or skipped.

use super::{BERLIN, after, keys, next, series};

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

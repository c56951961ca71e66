//! Which occurrence follows which.

use super::{BERLIN, after, keys, next, series, utc};
use crate::recurrence::Series;

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
    // What April selects on 1 May is later than what May selects there.
    let mixed =
        r#"{"rule":"FREQ=MONTHLY;BYMONTHDAY=1,31;BYHOUR=9,18;BYSETPOS=1,-1","skip":"forward"}"#;
    let start = r#"{"datetime":"2026-04-01T09:00:00","timezone":"Europe/Berlin"}"#;
    let mixed = keys(&series(mixed, start, BERLIN), 4);
    assert_eq!(
        mixed,
        [
            "2026-04-01T09:00:00",
            "2026-05-01T09:00:00",
            "2026-05-01T18:00:00",
            "2026-05-31T18:00:00"
        ]
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

#[test]
fn a_stored_series_of_instants_keeps_its_timezone() {
    let stored = r#"{"rule":"FREQ=DAILY","timezone":"Asia/Tokyo","start":{"datetime":"2026-03-01T00:00:00Z"}}"#;
    let stored = Series::read(stored).unwrap();
    let (_, rest) = stored.split("2026-03-02T09:00:00", 2);
    let start = super::due(r#"{"datetime":"2026-03-02T00:00:00Z"}"#);
    assert!(
        rest.definition(&start)
            .ends_with(r#""timezone":"Asia/Tokyo"}"#)
    );
}

#[test]
fn the_rest_of_a_series_keeps_its_day_and_its_count() {
    let monthly = series(
        r#"{"unit":"month","count":6}"#,
        r#"{"date":"2026-01-31"}"#,
        BERLIN,
    );
    let (before, rest) = monthly.split("2026-02-28", 2);
    let start = super::due(r#"{"date":"2026-02-28"}"#);
    let rest = Series::new(rest, start, monthly.zone());
    assert_eq!(
        keys(&rest, 9),
        [
            "2026-02-28",
            "2026-03-31",
            "2026-04-30",
            "2026-05-31",
            "2026-06-30"
        ]
    );
    let before = Series::new(
        before,
        super::due(r#"{"date":"2026-01-31"}"#),
        monthly.zone(),
    );
    assert_eq!(keys(&before, 9), ["2026-01-31"]);
    // An added occurrence has not counted, but counts as the first of the rest.
    let added = r#"{"unit":"week","count":3,"rdates":["2026-03-11"]}"#;
    let added = series(added, r#"{"date":"2026-03-02"}"#, BERLIN);
    let (_, rest) = added.split("2026-03-11", 3);
    let rest = Series::new(rest, super::due(r#"{"date":"2026-03-11"}"#), added.zone());
    assert_eq!(keys(&rest, 9), ["2026-03-11", "2026-03-16"]);
}

//! What is refused, and how it is said.

use super::{due, parse};

const DATE: &str = r#"{"date":"2026-03-02"}"#;
const LOCAL: &str = r#"{"datetime":"2026-03-02T09:00:00","timezone":"Europe/Berlin"}"#;
const INSTANT: &str = r#"{"datetime":"2026-03-02T09:00:00Z"}"#;

#[test]
fn what_is_wrong_with_a_recurrence_is_said_where_it_is() {
    for (recurrence, pointer, detail) in [
        (r#"{}"#, "", "needs `rule`"),
        (r#"{"every":2}"#, "/unit", "is required"),
        (
            r#"{"unit":"minute"}"#,
            "/unit",
            "must be one of hour, day, week, month, year, because",
        ),
        (
            r#"{"every":0,"unit":"day"}"#,
            "/every",
            "must be a whole number from 1",
        ),
        (
            r#"{"unit":"week","on":["1MO"]}"#,
            "/on",
            "only with the unit month or year",
        ),
        (
            r#"{"unit":"week","on":["MO","XX"]}"#,
            "/on/1",
            "must be a weekday",
        ),
        (
            r#"{"unit":"year","on":[15]}"#,
            "/on",
            "only with the unit month",
        ),
        (r#"{"unit":"month","on":[15,"MO"]}"#, "/on", "not both"),
        (r#"{"unit":"month","on":[32]}"#, "/on/0", "1 to 31"),
        (
            r#"{"unit":"day","at":"9:00"}"#,
            "/at",
            "must be a time like 09:00",
        ),
        (r#"{"unit":"hour","at":"09:00"}"#, "/at", "unit hour"),
        (
            r#"{"unit":"day","until":"soon"}"#,
            "/until",
            "must be a date like",
        ),
        (
            r#"{"unit":"day","until":"2027-03-01","count":2}"#,
            "/count",
            "together with `until`",
        ),
        (
            r#"{"rule":"FREQ=WEEKLY","every":2}"#,
            "/every",
            "must mean the same as `rule`",
        ),
        (
            r#"{"rule":"FREQ=WEEKLY","unit":"day"}"#,
            "/unit",
            "must mean the same as `rule`",
        ),
        (
            r#"{"rule":"weekly"}"#,
            "/rule",
            "which is not like FREQ=WEEKLY",
        ),
        (r#"{"rule":"INTERVAL=2"}"#, "/rule", "needs FREQ"),
        (r#"{"rule":"FREQ=MINUTELY"}"#, "/rule", "because no task"),
        (
            r#"{"rule":"FREQ=FORTNIGHTLY"}"#,
            "/rule",
            "it must be HOURLY, DAILY",
        ),
        (
            r#"{"rule":"FREQ=DAILY;FREQ=DAILY"}"#,
            "/rule",
            "has FREQ twice",
        ),
        (
            r#"{"rule":"FREQ=DAILY;BYEASTER=1"}"#,
            "/rule",
            "has the unknown part \"BYEASTER\"",
        ),
        (
            r#"{"rule":"FREQ=DAILY;SKIP=OMIT"}"#,
            "/rule",
            "use the member `skip`",
        ),
        (
            r#"{"rule":"FREQ=DAILY;COUNT=0"}"#,
            "/rule",
            "has COUNT=0; it must be a number from 1",
        ),
        (
            r#"{"rule":"FREQ=DAILY;COUNT=2;UNTIL=20270301"}"#,
            "/rule",
            "either COUNT or UNTIL",
        ),
        (
            r#"{"rule":"FREQ=DAILY;UNTIL=20270230"}"#,
            "/rule",
            "it must be a date like 20270301",
        ),
        (
            r#"{"rule":"FREQ=MONTHLY;BYMONTHDAY=0"}"#,
            "/rule",
            "numbers from 1 to 31 or -31 to -1",
        ),
        (
            r#"{"rule":"FREQ=WEEKLY;BYMONTHDAY=1"}"#,
            "/rule",
            "BYMONTHDAY with FREQ=WEEKLY",
        ),
        (
            r#"{"rule":"FREQ=MONTHLY;BYDAY=6MO"}"#,
            "/rule",
            "more than five times",
        ),
        (
            r#"{"rule":"FREQ=DAILY;BYSETPOS=1"}"#,
            "/rule",
            "only together with another BY part",
        ),
        (
            r#"{"rule":"FREQ=DAILY;BYHOUR=+9"}"#,
            "/rule",
            "numbers from 0 to 23",
        ),
        (
            r#"{"rule":"DTSTART:20260101\nRRULE:FREQ=DAILY"}"#,
            "/rule",
            "must be one line",
        ),
        (
            r#"{"rule":"FREQ=DAILY","mode":"often"}"#,
            "/mode",
            "must be one of fixed",
        ),
        (
            r#"{"rule":"FREQ=DAILY","skip":"next"}"#,
            "/skip",
            "must be one of omit",
        ),
        (
            r#"{"rule":"FREQ=DAILY","timezone":"Mars/Base"}"#,
            "/timezone",
            "IANA",
        ),
        (
            r#"{"rule":"FREQ=DAILY","exdates":["2026-03-01","soon"]}"#,
            "/exdates/1",
            "must be a date like",
        ),
        (
            r#"{"rule":"FREQ=DAILY","rdates":5}"#,
            "/rdates",
            "must be an array",
        ),
        (
            r#"{"rule":"FREQ=DAILY","colour":5}"#,
            "/colour",
            "is not a field",
        ),
    ] {
        let faults = parse(recurrence).unwrap_err();
        assert_eq!(faults.len(), 1, "{recurrence}: {faults:?}");
        assert_eq!(
            faults[0].pointer,
            format!("/recurrence{pointer}"),
            "{recurrence}"
        );
        assert!(
            faults[0].detail.contains(detail),
            "{recurrence}: {}",
            faults[0].detail
        );
    }
    let keys = vec!["2026-03-01"; 1001];
    let many = serde_json::json!({"rule": "FREQ=DAILY", "exdates": keys}).to_string();
    assert_eq!(parse(&many).unwrap_err()[0].pointer, "/recurrence/exdates");
    let long = format!(r#"{{"rule":"FREQ=DAILY;{}"}}"#, "X".repeat(1000));
    assert_eq!(parse(&long).unwrap_err()[0].pointer, "/recurrence/rule");
}

#[test]
fn a_recurrence_must_fit_the_due_date() {
    for (recurrence, start, pointer, detail) in [
        (r#"{"unit":"hour"}"#, DATE, "/unit", "needs a time"),
        (r#"{"rule":"FREQ=HOURLY"}"#, DATE, "/rule", "needs a time"),
        (r#"{"unit":"day","at":"09:00"}"#, DATE, "/at", "has no time"),
        (
            r#"{"rule":"FREQ=DAILY;BYHOUR=9"}"#,
            DATE,
            "/rule",
            "has no time",
        ),
        (
            r#"{"unit":"day","until":"2027-03-01T09:00:00"}"#,
            DATE,
            "/until",
            "on a date",
        ),
        (
            r#"{"rule":"FREQ=DAILY;UNTIL=20270301T090000Z"}"#,
            DATE,
            "/rule",
            "on a date",
        ),
        (
            r#"{"rule":"FREQ=DAILY;UNTIL=20270301T090000"}"#,
            INSTANT,
            "/rule",
            "with Z",
        ),
        (
            r#"{"unit":"day","timezone":"Europe/Berlin"}"#,
            DATE,
            "/timezone",
            "of the account",
        ),
        (
            r#"{"unit":"day","timezone":"Asia/Tokyo"}"#,
            LOCAL,
            "/timezone",
            "of the due date",
        ),
        (
            r#"{"unit":"day","exdates":["2026-03-03T09:00:00"]}"#,
            DATE,
            "/exdates",
            "must have dates",
        ),
        (
            r#"{"unit":"day","rdates":["2026-03-03"]}"#,
            LOCAL,
            "/rdates",
            "must have local times",
        ),
        (
            r#"{"rule":"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30","skip":"omit"}"#,
            DATE,
            "/rule",
            "never occurs",
        ),
        (
            r#"{"rule":"FREQ=HOURLY;INTERVAL=2;BYHOUR=4"}"#,
            LOCAL,
            "/rule",
            "never occurs",
        ),
        (
            r#"{"rule":"FREQ=DAILY;UNTIL=20260302"}"#,
            DATE,
            "/rule",
            "ends before a second occurrence",
        ),
        (
            r#"{"unit":"day","until":"2026-03-02"}"#,
            DATE,
            "/until",
            "ends before a second occurrence",
        ),
        (
            r#"{"unit":"day"}"#,
            r#"{"datetime":"2150-01-01T00:00:00Z"}"#,
            "/rule",
            "1970 to 2099",
        ),
    ] {
        let faults = parse(recurrence).unwrap().check("/recurrence", &due(start));
        let faults = faults.unwrap_err();
        assert_eq!(faults.len(), 1, "{recurrence}: {faults:?}");
        assert_eq!(
            faults[0].pointer,
            format!("/recurrence{pointer}"),
            "{recurrence}"
        );
        assert!(
            faults[0].detail.contains(detail),
            "{recurrence}: {}",
            faults[0].detail
        );
    }
    for (recurrence, start) in [
        (r#"{"rule":"FREQ=DAILY;COUNT=1"}"#, DATE),
        (r#"{"rule":"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}"#, DATE),
        (r#"{"rule":"FREQ=DAILY;UNTIL=20270301"}"#, LOCAL),
        (r#"{"rule":"FREQ=DAILY;UNTIL=20270301T080000Z"}"#, LOCAL),
        (r#"{"unit":"day","timezone":"Europe/Berlin"}"#, LOCAL),
        (r#"{"unit":"day","timezone":"Asia/Tokyo"}"#, INSTANT),
        (
            r#"{"unit":"day","timezone":"Asia/Tokyo","start":{"date":"2026-03-02"}}"#,
            DATE,
        ),
        (
            r#"{"rule":"FREQ=DAILY;UNTIL=20260301","rdates":["2026-03-05"]}"#,
            DATE,
        ),
    ] {
        parse(recurrence)
            .unwrap()
            .check("/recurrence", &due(start))
            .unwrap();
    }
}

//! Tests of the reminders of a task.

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn parse(item: &str) -> Result<Reminder, Vec<Fault>> {
    Reminders::parse("/reminders", json(&format!("[{item}]"))).map(|list| list.0[0].clone())
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn what_is_printed_can_be_sent_back() {
    let id = "01890000-0000-7000-8000-000000000000";
    for (item, before, at, on) in [
        (r#"{"before":"PT90M"}"#, Some("PT1H30M"), None, None),
        (r#"{"before":"PT0S"}"#, None, None, Some("due")),
        (r#"{"on":"due"}"#, None, None, Some("due")),
        (
            r#"{"at":"2026-03-01T09:00:00+01:00"}"#,
            None,
            Some("2026-03-01T08:00:00Z"),
            None,
        ),
    ] {
        let reminder = parse(item).unwrap();
        let mut printed = reminder.to_json();
        assert_eq!(printed["before"], json!(before), "{item}");
        assert_eq!(printed["at"], json!(at), "{item}");
        assert_eq!(printed["on"], json!(on), "{item}");
        assert_eq!(printed["channels"], Value::Null);
        assert_eq!(parse(&printed.to_string()).unwrap(), reminder);
        // What the API answers.
        printed["id"] = json!(id);
        printed["state"] = json!("fired");
        printed["fires_at"] = json!("2026-03-01T08:00:00.123456Z");
        printed["snoozed_until"] = Value::Null;
        let read = parse(&printed.to_string()).unwrap();
        assert_eq!(read.id, Some(id.parse().unwrap()));
        assert_eq!(read.when, reminder.when);
    }
    let full = r#"{"on":"due","channels":["push","in_app"],"repeat":"PT10M"}"#;
    let reminder = parse(full).unwrap();
    assert_eq!(reminder.channels, Some(vec![Channel::InApp, Channel::Push]));
    assert_eq!(reminder.repeat.unwrap().seconds(), 600);
    assert_eq!(parse(&reminder.to_json().to_string()).unwrap(), reminder);
}

#[test]
fn faults_name_the_member_and_say_what_would_be_right() {
    for (item, pointer, detail) in [
        ("{}", "", "exactly one of"),
        (r#"{"before":null,"at":null}"#, "", "exactly one of"),
        (r#"{"before":"PT5M","on":"due"}"#, "", "exactly one of"),
        (r#"{"before":"PT0S","on":"due"}"#, "", "exactly one of"),
        (
            r#"{"at":"2026-03-01T08:00:00Z","on":"due"}"#,
            "",
            "exactly one of",
        ),
        ("7", "", "must be an object"),
        (r#"{"before":30}"#, "/before", "must be a string"),
        (r#"{"before":"30 minutes"}"#, "/before", "such as PT30M"),
        (r#"{"at":"2026-03-01T08:00:00"}"#, "/at", "with an offset"),
        (r#"{"at":"tomorrow"}"#, "/at", "2026-03-01T08:00:00Z"),
        (r#"{"on":"start"}"#, "/on", "due"),
        (
            r#"{"on":"due","channels":"push"}"#,
            "/channels",
            "must be an array",
        ),
        (
            r#"{"on":"due","channels":[]}"#,
            "/channels",
            "in_app, email, push",
        ),
        (
            r#"{"on":"due","channels":["push","sms"]}"#,
            "/channels/1",
            "in_app, email, push",
        ),
        (
            r#"{"on":"due","channels":["push","push"]}"#,
            "/channels",
            "twice",
        ),
        (
            r#"{"on":"due","channels":["push","push","push","push"]}"#,
            "/channels",
            "at most 3",
        ),
        (r#"{"on":"due","repeat":"PT1S"}"#, "/repeat", "1 minute"),
        (r#"{"on":"due","id":"7"}"#, "/id", "UUID"),
        (
            r#"{"on":"due","id":"01890000000070008000000000000000"}"#,
            "/id",
            "UUID",
        ),
        (r#"{"on":"due","state":"x"}"#, "/state", "scheduled"),
        (r#"{"on":"due","fires_at":1}"#, "/fires_at", "string"),
        (r#"{"on":"due","minutes":5}"#, "/minutes", "not a field"),
    ] {
        let faults = parse(item).unwrap_err();
        assert_eq!(
            faults[0].pointer,
            format!("/reminders/0{pointer}"),
            "{item}"
        );
        assert!(faults[0].detail.contains(detail), "{item}: {faults:?}");
    }
    let all = Reminders::parse(
        "",
        json(r#"[{"on":1},{"on":"due"},{"before":2,"repeat":3}]"#),
    );
    let pointers: Vec<_> = all.unwrap_err().into_iter().map(|f| f.pointer).collect();
    assert_eq!(pointers, ["/0/on", "/2/before", "/2/repeat"]);
}

#[test]
fn a_task_has_at_most_twenty_reminders_with_ids_of_their_own() {
    let many = |count: usize| format!("[{}]", vec![r#"{"on":"due"}"#; count].join(","));
    assert!(Reminders::parse("/r", json(&many(20))).is_ok());
    let faults = Reminders::parse("/r", json(&many(21))).unwrap_err();
    assert_eq!(faults[0].detail, "must have at most 20 reminders");
    let item = r#"{"on":"due","id":"01890000-0000-7000-8000-000000000000"}"#;
    let twice = json(&format!("[{item},{item}]"));
    assert_eq!(
        Reminders::parse("/r", twice).unwrap_err()[0].pointer,
        "/r/1/id"
    );
    assert_eq!(
        Reminders::parse("/r", json("[]")).unwrap(),
        Reminders::default()
    );
    assert!(Reminders::parse("/r", Json::Null).is_err());
}

/// When a reminder of a user in Berlin, whose days are due at 09:00, fires.
fn fires(reminder: &str, due: &str) -> Option<DateTime<Utc>> {
    let due = match due {
        "" => None,
        text => Some(Due::parse("/due", json(text)).unwrap()),
    };
    let nine = NaiveTime::from_hms_opt(9, 0, 0).unwrap();
    let when = parse(reminder).unwrap().when;
    when.fires_at(due.as_ref(), Tz::Europe__Berlin, nine)
}

#[test]
fn a_reminder_fires_before_its_due() {
    let new_york = r#"{"datetime":"2026-03-09T09:00:00","timezone":"America/New_York"}"#;
    for (before, due, at) in [
        // A date is due at 09:00 in the account's zone.
        ("PT0S", r#"{"date":"2026-06-01"}"#, "2026-06-01T07:00:00Z"),
        ("PT30M", r#"{"date":"2026-06-01"}"#, "2026-06-01T06:30:00Z"),
        // Across the night in which an hour is lost: a day on the calendar, or 24 hours.
        ("P1D", r#"{"date":"2026-03-29"}"#, "2026-03-28T08:00:00Z"),
        ("PT24H", r#"{"date":"2026-03-29"}"#, "2026-03-28T07:00:00Z"),
        ("P1W", r#"{"date":"2026-03-30"}"#, "2026-03-23T08:00:00Z"),
        // Across the night in which an hour is gained.
        ("P1D", r#"{"date":"2026-10-25"}"#, "2026-10-24T07:00:00Z"),
        ("PT24H", r#"{"date":"2026-10-25"}"#, "2026-10-24T08:00:00Z"),
        // Days first, on the calendar, and then the exact hours.
        ("P1DT2H", r#"{"date":"2026-03-30"}"#, "2026-03-29T05:00:00Z"),
        // The due's own zone, whose clocks change on another day.
        ("PT0S", new_york, "2026-03-09T13:00:00Z"),
        ("P1D", new_york, "2026-03-08T13:00:00Z"),
        ("P2D", new_york, "2026-03-07T14:00:00Z"),
        ("PT48H", new_york, "2026-03-07T13:00:00Z"),
        // An instant counts its days in the account's zone, whatever its offset.
        (
            "P1D",
            r#"{"datetime":"2026-03-29T07:00:00Z"}"#,
            "2026-03-28T08:00:00Z",
        ),
        (
            "P1D",
            r#"{"datetime":"2026-03-29T16:00:00+09:00"}"#,
            "2026-03-28T08:00:00Z",
        ),
        (
            "PT24H",
            r#"{"datetime":"2026-03-29T07:00:00Z"}"#,
            "2026-03-28T07:00:00Z",
        ),
        // The second 02:30 of the night with 25 hours.
        (
            "PT10M",
            r#"{"datetime":"2026-10-25T01:30:00Z"}"#,
            "2026-10-25T01:20:00Z",
        ),
        // The day before is a gap: the first instant after it. The day before occurs twice: the first.
        (
            "P1D",
            r#"{"datetime":"2026-03-30T02:30:00","timezone":"Europe/Berlin"}"#,
            "2026-03-29T01:00:00Z",
        ),
        (
            "P1D",
            r#"{"datetime":"2026-10-26T02:30:00","timezone":"Europe/Berlin"}"#,
            "2026-10-25T00:30:00Z",
        ),
        // The due is in a gap, and the day before is not.
        (
            "P1D",
            r#"{"datetime":"2026-03-29T02:30:00","timezone":"Europe/Berlin"}"#,
            "2026-03-28T01:30:00Z",
        ),
        // Samoa had no 30 December 2011.
        (
            "P1D",
            r#"{"datetime":"2011-12-31T09:00:00","timezone":"Pacific/Apia"}"#,
            "2011-12-30T10:00:00Z",
        ),
        // The earliest due, and the longest lead.
        ("P366D", r#"{"date":"1970-01-01"}"#, "1968-12-31T08:00:00Z"),
    ] {
        let reminder = format!(r#"{{"before":"{before}"}}"#);
        assert_eq!(fires(&reminder, due), Some(utc(at)), "{before} {due}");
    }
}

#[test]
fn a_reminder_at_a_time_needs_no_due() {
    let at = r#"{"at":"2026-03-01T08:00:00Z"}"#;
    for due in ["", r#"{"date":"2026-06-01"}"#] {
        assert_eq!(fires(at, due), Some(utc("2026-03-01T08:00:00Z")));
    }
    assert_eq!(fires(r#"{"on":"due"}"#, ""), None);
    assert_eq!(fires(r#"{"before":"P1D"}"#, ""), None);
}

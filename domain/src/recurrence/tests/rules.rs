//! How recurrences are read, checked, described, stored and changed.

use super::{due, json, parse};
use crate::recurrence::Recurrence;

const DATE: &str = r#"{"date":"2026-03-02"}"#;
const LOCAL: &str = r#"{"datetime":"2026-03-02T09:00:00","timezone":"Europe/Berlin"}"#;

fn definition(recurrence: &str, start: &str) -> serde_json::Value {
    let recurrence = parse(recurrence).unwrap();
    serde_json::from_str(&recurrence.definition(&due(start))).unwrap()
}

#[test]
fn the_definition_has_the_rule_the_short_form_and_a_description() {
    let short = r#"{"every":2,"unit":"week","on":["TH","MO"],"until":"2027-03-01"}"#;
    let text = parse(short).unwrap().definition(&due(DATE));
    assert_eq!(
        text,
        concat!(
            r#"{"rule":"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;UNTIL=20270301","every":2,"unit":"week","on":["MO","TH"],"at":null,"#,
            r#""until":"2027-03-01","count":null,"description":"every 2 weeks on Monday and Thursday until 1 March 2027","#,
            r#""mode":"fixed","skip":"backward","create":"on_completion","overlap":"allow","missed":"catch_up","exdates":[],"rdates":[]}"#
        )
    );
    let local = parse(r#"{"rule":"RRULE:freq=daily;"}"#).unwrap();
    let local = local.definition(&due(LOCAL));
    assert!(
        local.starts_with(r#"{"rule":"FREQ=DAILY","every":1,"unit":"day""#),
        "{local}"
    );
    assert!(
        local.ends_with(r#","timezone":"Europe/Berlin"}"#),
        "{local}"
    );
}

#[test]
fn a_rule_and_its_short_form_describe_each_other() {
    for (rule, short, description) in [
        (
            "FREQ=HOURLY;INTERVAL=3",
            r#"{"every":3,"unit":"hour"}"#,
            "every 3 hours",
        ),
        (
            "FREQ=DAILY;BYHOUR=9;BYMINUTE=5",
            r#"{"unit":"day","at":"09:05"}"#,
            "every day at 09:05",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO;COUNT=5",
            r#"{"unit":"week","on":["MO"],"count":5}"#,
            "every week on Monday, 5 times",
        ),
        (
            "FREQ=MONTHLY;BYDAY=-1FR",
            r#"{"unit":"month","on":["-1FR"]}"#,
            "every month on the last Friday of the month",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=-1,15",
            r#"{"unit":"month","on":[15,-1]}"#,
            "every month on the last day and the 15th of the month",
        ),
        (
            "FREQ=YEARLY;BYDAY=20MO",
            r#"{"unit":"year","on":["20MO"]}"#,
            "every year on the 20th Monday of the year",
        ),
        (
            "FREQ=DAILY;UNTIL=20270301T080000Z",
            r#"{"unit":"day","until":"2027-03-01T08:00:00Z"}"#,
            "every day until 1 March 2027 at 08:00 UTC",
        ),
    ] {
        let from_short = definition(short, LOCAL);
        assert_eq!(from_short["rule"], rule);
        assert_eq!(from_short["description"], description);
        let from_rule = definition(&format!(r#"{{"rule":"{rule}"}}"#), LOCAL);
        assert_eq!(from_rule, from_short);
        // A client may send back what it has read.
        assert_eq!(definition(&from_rule.to_string(), LOCAL), from_rule);
    }
}

#[test]
fn other_rules_have_a_description_and_no_short_form() {
    for (rule, description) in [
        ("FREQ=YEARLY;BYMONTH=1,3", "every year in January and March"),
        (
            "FREQ=WEEKLY;WKST=SU;INTERVAL=2;BYDAY=MO",
            "every 2 weeks on Monday",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "every month on Monday, Tuesday, Wednesday, Thursday and Friday (only the 2nd to last of these in each month)",
        ),
        (
            "FREQ=DAILY;BYHOUR=9,18;BYMINUTE=0",
            "every day at 09:00 and 18:00",
        ),
        ("FREQ=HOURLY;BYMINUTE=0,30", "every hour at minute 0 and 30"),
        (
            "FREQ=YEARLY;BYWEEKNO=20,-1",
            "every year in the last week of the year and week 20",
        ),
        (
            "FREQ=YEARLY;BYYEARDAY=100",
            "every year on the 100th day of the year",
        ),
    ] {
        let definition = definition(&format!(r#"{{"rule":"{rule}"}}"#), LOCAL);
        assert_eq!(definition["description"], description);
        assert_eq!(definition["unit"], serde_json::Value::Null);
    }
}

#[test]
fn a_patch_changes_the_rule_or_its_short_form() {
    let stored = |recurrence: &str, start: &str| {
        let mut stored = definition(recurrence, start);
        stored["start"] = serde_json::from_str(start).unwrap();
        stored["timezone"] = "Europe/Berlin".into();
        stored["paused_at"] = serde_json::Value::Null;
        stored.to_string()
    };
    let weekly = stored(
        r#"{"every":2,"unit":"week","on":["MO"],"mode":"catch_up"}"#,
        DATE,
    );
    let merged = |current: &str, patch: &str| {
        let merged = Recurrence::merge("/recurrence", Some(current), json(patch))?;
        merged.check("/recurrence", &due(DATE))?;
        let text = merged.definition(&due(DATE));
        Ok::<serde_json::Value, Vec<crate::json::Fault>>(serde_json::from_str(&text).unwrap())
    };
    for (patch, rule, mode) in [
        ("{}", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "catch_up"),
        (
            r#"{"on":["TU"]}"#,
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
            "catch_up",
        ),
        (r#"{"on":null,"every":null}"#, "FREQ=WEEKLY", "catch_up"),
        (r#"{"rule":"FREQ=DAILY"}"#, "FREQ=DAILY", "catch_up"),
        (
            r#"{"count":7,"mode":null}"#,
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;COUNT=7",
            "fixed",
        ),
        (
            r#"{"timezone":"Europe/Berlin"}"#,
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
            "catch_up",
        ),
    ] {
        let merged = merged(&weekly, patch).unwrap();
        assert_eq!(merged["rule"], rule, "{patch}");
        assert_eq!(merged["mode"], mode, "{patch}");
    }
    assert_eq!(
        merged(&weekly, &weekly).unwrap()["rule"],
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"
    );
    for (patch, pointer) in [
        ("[]", "/recurrence"),
        (r#"{"rule":null,"unit":null}"#, "/recurrence/unit"),
        (r#"{"rule":"FREQ=DAILY","every":2}"#, "/recurrence/every"),
        (r#"{"timezone":"Asia/Tokyo"}"#, "/recurrence/timezone"),
        (r#"{"start":{"date":"2026-04-01"}}"#, "/recurrence/start"),
        (
            r#"{"paused_at":"2026-04-01T00:00:00Z"}"#,
            "/recurrence/paused_at",
        ),
    ] {
        assert_eq!(
            merged(&weekly, patch).unwrap_err()[0].pointer,
            pointer,
            "{patch}"
        );
    }
    let other = stored(r#"{"rule":"FREQ=YEARLY;BYMONTH=3;COUNT=5"}"#, DATE);
    let patched = merged(
        &other,
        r#"{"count":null,"until":"2030-01-01","skip":"omit"}"#,
    )
    .unwrap();
    assert_eq!(patched["rule"], "FREQ=YEARLY;BYMONTH=3;UNTIL=20300101");
    assert_eq!(patched["skip"], "omit");
    let patched = merged(&other, r#"{"unit":"day"}"#).unwrap();
    assert_eq!(patched["rule"], "FREQ=DAILY");
}

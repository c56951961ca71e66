//! Rules that nobody means well with: none panics, and each is answered within a bounded time.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use domain::due::Due;
use domain::json::Json;
use domain::recurrence::{Done, Recurrence, Series};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::{read, utc};

/// The longest time for all questions about one rule. It is far more than is needed, because a test machine can be busy.
const LIMIT: Duration = Duration::from_secs(2);

const NAMES: [&str; 14] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYMONTH",
    "BYWEEKNO",
    "BYYEARDAY",
    "BYMONTHDAY",
    "BYDAY",
    "BYHOUR",
    "BYMINUTE",
    "BYSECOND",
    "BYSETPOS",
];
const VALUES: [&str; 36] = [
    "0",
    "1",
    "-1",
    "2",
    "5",
    "-5",
    "12",
    "23",
    "24",
    "29",
    "30",
    "31",
    "-31",
    "53",
    "-53",
    "59",
    "60",
    "366",
    "-366",
    "999999",
    "1000000",
    "4294967296",
    "99999999999999999999",
    "+7",
    "MO",
    "SU",
    "1MO",
    "-1FR",
    "53TH",
    "é",
    "",
    "20270301",
    "20270301T090000Z",
    "00000101",
    "99991231",
    "HOURLY",
];
const FREQUENCIES: [&str; 6] = ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY", "MINUTELY"];

/// Asks everything about a recurrence. Returns whether it was accepted.
fn ask(recurrence: &Value, start: &str, random: &mut StdRng) -> bool {
    let begun = Instant::now();
    let due = Due::parse("", Json::parse(start.as_bytes()).unwrap()).unwrap();
    let parsed = Recurrence::parse("", read(recurrence));
    let accepted = parsed.is_ok();
    if let Ok(recurrence) = parsed {
        let _ = recurrence.check("", &due);
        recurrence.definition(&due);
        let series = Series::new(recurrence, due, "Europe/Berlin".parse().unwrap());
        let _ = series.coming(None).take(20).last();
        let at = utc(random.random_range(0..4_100_000_000));
        for at in [at, at + TimeDelta::days(365)] {
            let done = Done {
                occurrence: &series.key(&due),
                number: 1,
                at,
                skipped: random.random(),
            };
            series.next(&done);
        }
    }
    let spent = begun.elapsed();
    assert!(spent < LIMIT, "{recurrence} from {start} took {spent:?}");
    accepted
}

const STARTS: [&str; 4] = [
    r#"{"date":"1970-01-01"}"#,
    r#"{"datetime":"1970-01-31T23:59:59.999999","timezone":"Europe/Berlin"}"#,
    r#"{"datetime":"2099-12-31T23:59:59Z"}"#,
    r#"{"datetime":"2024-02-29T02:30:00Z"}"#,
];
const MODES: [&str; 3] = ["fixed", "catch_up", "after_completion"];
const SKIPS: [&str; 3] = ["omit", "backward", "forward"];

fn with(rule: &str, random: &mut StdRng) -> (Value, &'static str) {
    let recurrence =
        json!({"rule": rule, "mode": MODES.choose(random), "skip": SKIPS.choose(random)});
    (recurrence, STARTS.choose(random).unwrap())
}

#[test]
fn random_rules_neither_panic_nor_take_long() {
    let mut random = StdRng::seed_from_u64(14);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut parts = vec![format!("FREQ={}", FREQUENCIES.choose(&mut random).unwrap())];
        for _ in 0..random.random_range(0..6) {
            let values: Vec<_> = (0..random.random_range(1..4))
                .map(|_| *VALUES.choose(&mut random).unwrap())
                .collect();
            parts.push(format!(
                "{}={}",
                NAMES.choose(&mut random).unwrap(),
                values.join(",")
            ));
        }
        let (recurrence, start) = with(&parts.join(";"), &mut random);
        accepted += usize::from(ask(&recurrence, start, &mut random));
    }
    assert!(accepted > 1000, "only {accepted} of the rules were valid");
}

#[test]
fn random_texts_are_refused() {
    let mut random = StdRng::seed_from_u64(15);
    let letters: Vec<char> = "FREQ=DAILY;BYMOUNTHWKSPV,+-0123456789TZ: \n\u{e9}\u{1f600}"
        .chars()
        .collect();
    for _ in 0..20_000 {
        let rule: String = (0..random.random_range(1..60))
            .map(|_| letters.choose(&mut random).unwrap())
            .collect();
        let (recurrence, start) = with(&rule, &mut random);
        assert!(!ask(&recurrence, start, &mut random), "{rule}");
    }
}

#[test]
fn the_worst_rules_are_answered_at_once() {
    let mut random = StdRng::seed_from_u64(16);
    let all =
        |range: std::ops::Range<i32>| range.map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let (days, hours) = (all(-31..0), all(0..24));
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30".to_owned(),
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30".to_owned(),
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=1".to_owned(),
        "FREQ=HOURLY;INTERVAL=999999;COUNT=1000000".to_owned(),
        "FREQ=HOURLY;COUNT=1000000".to_owned(),
        "FREQ=HOURLY;BYMINUTE=0,5,10,15,20,25,30,35,40,45,50,55;COUNT=1000000".to_owned(),
        "FREQ=DAILY;BYDAY=MO;BYMONTHDAY=31;BYMONTH=2,4,6,9,11".to_owned(),
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=7".to_owned(),
        "FREQ=DAILY;BYHOUR=1;BYSETPOS=2".to_owned(),
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6".to_owned(),
        "FREQ=YEARLY;INTERVAL=1000000".to_owned(),
        format!("FREQ=YEARLY;BYMONTHDAY={days};BYHOUR={hours};BYSETPOS=-366"),
        format!("FREQ=MONTHLY;BYMONTHDAY={days};BYYEARDAY=1"),
        format!(
            "FREQ=MONTHLY;BYMONTHDAY={days};BYHOUR={hours};BYMINUTE={};BYSECOND={};BYSETPOS=1,-1",
            all(0..60),
            all(0..60)
        ),
        format!(
            "FREQ=DAILY;BYHOUR={hours};BYMINUTE={};BYSECOND={};BYSETPOS=366",
            all(0..60),
            all(0..60)
        ),
    ] {
        for start in STARTS {
            for mode in MODES {
                ask(
                    &json!({"rule": rule, "mode": mode, "skip": "omit"}),
                    start,
                    &mut random,
                );
            }
        }
    }
}

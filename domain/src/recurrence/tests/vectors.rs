//! The vectors of libical, which lie beside the repository in `../shared/vectors` (their licence differs from ours). Where that
//! folder is absent, the tests say so and check nothing.

use std::fs::read_to_string;
use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::recurrence::rule::Until;
use crate::recurrence::steps::Steps;
use crate::recurrence::{Skip, parse};

/// The vectors that are left out: how the rule begins, its start, and why.
const LEFT_OUT: [(&str, &str, &str); 4] = [
    ("FREQ=YEARLY;BYMONTHDAY=29;", "20240229", ALL_MONTHS),
    ("FREQ=YEARLY;BYMONTHDAY=-29,-1;", "20240201", ALL_MONTHS),
    (
        "FREQ=YEARLY;BYWEEKNO=53;INTERVAL=6;BYDAY=TH",
        "20270103",
        YEAR_OF_WEEKS,
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=53;INTERVAL=5;BYDAY=TH",
        "20270103",
        YEAR_OF_WEEKS,
    ),
];
/// libical takes the month from the start. RFC 5545 (3.3.10) says in its table that BYMONTHDAY expands a yearly rule, and
/// python-dateutil does so.
const ALL_MONTHS: &str = "BYMONTHDAY without BYMONTH means that day in all months of the year";
/// 3 January 2027 lies in the last week of 2026, so INTERVAL counts from there. Other vectors of libical say the same.
const YEAR_OF_WEEKS: &str = "a year of weeks is counted from that of the start";

struct Vector {
    rule: String,
    start: String,
    instances: Vec<String>,
}

/// The vectors of a file that libical supports, and how many it does not.
fn vectors(file: &str) -> Option<(Vec<Vector>, usize)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let Ok(text) = read_to_string(path.join(file)) else {
        println!("not checked: {} is absent", path.join(file).display());
        return None;
    };
    let mut unsupported = 0;
    let (mut vectors, mut rule, mut start) = (Vec::new(), "", "");
    for line in text.lines() {
        match line.split_once(':') {
            Some(("RRULE", value)) => rule = value,
            Some(("DTSTART", value)) => start = value.trim_end_matches('Z'),
            Some(("INSTANCES", value)) if value.contains("***") => unsupported += 1,
            Some(("INSTANCES", value)) => vectors.push(Vector {
                rule: rule.to_owned(),
                start: start.to_owned(),
                instances: value
                    .split(',')
                    .map(|instance| instance.trim_end_matches('Z').to_owned())
                    .collect(),
            }),
            _ => {}
        }
    }
    Some((vectors, unsupported))
}

fn wall(written: &str) -> NaiveDateTime {
    let date =
        NaiveDate::parse_from_str(written, "%Y%m%d").map(|date| date.and_time(NaiveTime::MIN));
    date.or_else(|_| NaiveDateTime::parse_from_str(written, "%Y%m%dT%H%M%S"))
        .unwrap_or_else(|error| panic!("{written}: {error}"))
}

/// The instances of a vector, as we compute them. Those of libical begin with the first that the rule makes, and COUNT counts them.
fn computed(vector: &Vector) -> Vec<String> {
    let part = |name: &str| {
        let mut parts = vector.rule.split(';');
        parts
            .find_map(|part| part.strip_prefix(name))
            .unwrap_or_default()
    };
    let skip = match part("SKIP=") {
        "BACKWARD" => Skip::Backward,
        "FORWARD" => Skip::Forward,
        _ => Skip::Omit,
    };
    let others = vector
        .rule
        .split(';')
        .filter(|part| !part.starts_with("SKIP=") && *part != "RSCALE=GREGORIAN");
    let rule = parse::rule(&others.collect::<Vec<_>>().join(";"));
    let rule = rule.unwrap_or_else(|faults| panic!("{}: {faults:?}", vector.rule));
    let is_date = !vector.start.contains('T');
    let steps = Steps::new(&rule, skip, wall(&vector.start), is_date);
    let steps = steps.take_while(|step| match rule.until {
        None => true,
        Some(Until::Date(date)) => step.date() <= date,
        Some(Until::Local(until) | Until::Utc(until)) => *step <= until,
    });
    let count = rule
        .count
        .map_or(vector.instances.len() + 1, |count| count as usize);
    let form = if is_date { "%Y%m%d" } else { "%Y%m%dT%H%M%S" };
    steps
        .take(count)
        .map(|step| step.format(form).to_string())
        .collect()
}

#[test]
fn libicals_vectors_hold() {
    let (mut checked, mut left_out, mut wrong) = (0, 0, Vec::new());
    for file in ["libical_icalrecur.txt", "libical_rscale_skip.txt"] {
        let Some((vectors, _)) = vectors(file) else {
            return;
        };
        for vector in vectors {
            if vector.rule.starts_with("FREQ=MINUTELY") || vector.rule.starts_with("FREQ=SECONDLY")
            {
                assert!(parse::rule(&vector.rule).unwrap_err()[0].contains("because no task"));
                continue;
            }
            let reason = LEFT_OUT.iter().find(|(rule, start, _)| {
                vector.rule.starts_with(rule) && vector.start.starts_with(start)
            });
            let found = computed(&vector);
            match reason {
                Some((.., reason)) => {
                    assert_ne!(
                        found, vector.instances,
                        "{} no longer differs: {reason}",
                        vector.rule
                    );
                    left_out += 1;
                }
                None if found == vector.instances => checked += 1,
                None => wrong.push(format!(
                    "{} from {}: expected {:?}, not {found:?}",
                    vector.rule, vector.start, vector.instances
                )),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(left_out, LEFT_OUT.len());
    println!("{checked} vectors");
    assert!(checked > 130, "only {checked} vectors were found");
}

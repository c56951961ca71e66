//! Recurrence as a whole: against another implementation, and what must hold for every rule.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failing test panics"
)]

mod dateutil;
mod hostile;
mod properties;

use chrono::{DateTime, NaiveDateTime, Utc};
use domain::due::Due;
use domain::json::Json;
use domain::recurrence::{Recurrence, Series};
use serde_json::{Value, json};

/// A rule with its start, and what python-dateutil has answered (see `oracle.py`).
struct Case {
    zone: String,
    start: String,
    rule: String,
    exdates: Vec<String>,
    rdates: Vec<String>,
    end: String,
    answers: Vec<i64>,
}

impl Case {
    /// All cases of the file.
    fn all() -> Vec<Self> {
        let packed = include_bytes!("dateutil.zlib");
        let text = miniz_oxide::inflate::decompress_to_vec_zlib(packed).unwrap();
        let list = |text: &str| {
            text.split(',')
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let case = |line: &str| {
            let columns: Vec<_> = line.split('\t').collect();
            let [zone, start, rule, exdates, rdates, end, answers] = columns.try_into().unwrap();
            Self {
                zone: zone.to_owned(),
                start: start.to_owned(),
                rule: rule.to_owned(),
                exdates: list(exdates),
                rdates: list(rdates),
                end: end.to_owned(),
                answers: list(answers)
                    .iter()
                    .map(|seconds| seconds.parse().unwrap())
                    .collect(),
            }
        };
        String::from_utf8(text).unwrap().lines().map(case).collect()
    }

    fn is_date(&self) -> bool {
        !self.start.contains('T')
    }

    fn due(&self) -> Due {
        let due = match self.is_date() {
            true => json!({"date": self.start}),
            false => json!({"datetime": self.start, "timezone": self.zone}),
        };
        Due::parse("", read(&due)).unwrap()
    }

    fn series(&self, mode: &str, skip: &str) -> Series {
        let recurrence = json!({
            "rule": self.rule, "mode": mode, "skip": skip, "exdates": self.exdates, "rdates": self.rdates,
        });
        let recurrence = Recurrence::parse("", read(&recurrence));
        let recurrence = recurrence.unwrap_or_else(|faults| panic!("{}: {faults:?}", self.rule));
        Series::new(recurrence, self.due(), self.zone.parse().unwrap())
    }
}

fn read(value: &Value) -> Json {
    Json::parse(value.to_string().as_bytes()).unwrap()
}

/// The start of an occurrence on the wall clock; of a date, its midnight.
fn wall(key: &str) -> NaiveDateTime {
    let whole = match key.contains('T') {
        true => key.to_owned(),
        false => format!("{key}T00:00:00"),
    };
    whole.parse().unwrap()
}

fn utc(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

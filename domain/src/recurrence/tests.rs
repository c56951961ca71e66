//! Tests of recurrence.

mod faults;
mod modes;
mod rules;
mod series;
mod vectors;

use chrono::{DateTime, Utc};

use crate::due::Due;
use crate::json::{Fault, Json};
use crate::recurrence::{Done, Occurrence, Recurrence, Series};

const BERLIN: &str = "Europe/Berlin";

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn parse(text: &str) -> Result<Recurrence, Vec<Fault>> {
    Recurrence::parse("/recurrence", json(text))
}

fn due(text: &str) -> Due {
    Due::parse("/due", json(text)).unwrap()
}

fn series(recurrence: &str, start: &str, zone: &str) -> Series {
    let recurrence = parse(recurrence).unwrap();
    Series::new(recurrence, due(start), zone.parse().unwrap())
}

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

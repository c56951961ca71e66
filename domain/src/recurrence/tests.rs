//! Tests of recurrence.

mod faults;
mod rules;
mod series;
mod vectors;

use crate::due::Due;
use crate::json::{Fault, Json};
use crate::recurrence::{Recurrence, Series};

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

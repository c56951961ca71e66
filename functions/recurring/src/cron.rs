//! The cron trigger does what ticks do. No events wait for it, so it goes on until nothing is left.

use std::time::{Duration, Instant};

use guest::frames::Progress;
use guest::logging;

use crate::api::{Api, ApiError};
use crate::tick;

/// The next run begins five minutes after this one did, and may overlap with it.
const LONGEST: Duration = Duration::from_secs(240);

fn run() {
    if let Err(error) = work() {
        logging::warn("cannot look for missing occurrences now")
            .chain(&error)
            .write();
    }
}

fn work() -> Result<(), ApiError> {
    let started = Instant::now();
    // A client of the API is for a few seconds, and so is its token.
    while tick::work(&Api::open()?)? == Progress::TimeIsOver && started.elapsed() < LONGEST {}
    Ok(())
}

guest::cron_component!(run);

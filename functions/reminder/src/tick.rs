//! The work on a tick: fires the reminders that are due on the clock of the database.

use std::time::{Duration, Instant};

use guest::logging;
use guest::postgres::{Db, DbError, ParameterValue};

/// The most reminders of one statement.
const MOST: i64 = 500;

/// After this time no statement is begun: the next tick comes soon, and a heartbeat must not wait for long.
const LONGEST: Duration = Duration::from_secs(4);

/// Fires reminders until none is due, or the time is over. What another agent is firing is left to it.
///
/// # Errors
/// The database cannot be used. What was fired stays fired.
pub fn work() -> Result<(), DbError> {
    let started = Instant::now();
    let db = Db::open()?;
    let mut fired = 0;
    loop {
        let handled = fire(&db, MOST)?;
        fired += handled;
        if handled == 0 || started.elapsed() >= LONGEST {
            break;
        }
    }
    if fired > 0 {
        logging::info("fired the reminders that were due")
            .field("reminders", fired)
            .write();
    }
    Ok(())
}

/// Checks that reminders can be fired, without firing one.
///
/// # Errors
/// The database cannot be used.
pub fn look() -> Result<(), DbError> {
    fire(&Db::open()?, 0).map(drop)
}

fn fire(db: &Db, most: i64) -> Result<i64, DbError> {
    db.query_one(include_str!("fire.sql"), &[ParameterValue::Int64(most)])?
        .int(0)
}

//! The work on a tick: fires the reminders that are due on the clock of the database, and sends their messages.

use std::time::{Duration, Instant};

use guest::frames::Progress;
use guest::logging;
use guest::postgres::{Db, DbError, ParameterValue};

use crate::deliver::{Delivered, deliver};

/// The most reminders of one statement.
const MOST: i64 = 500;

/// After this time no reminder is fired, so that messages are sent.
const FIRING: Duration = Duration::from_secs(3);

/// After this time no message is begun: the next tick comes soon, and a heartbeat must not wait for long.
const SENDING: Duration = Duration::from_secs(5);

/// Fires reminders until none is due, or the time is over, and sends messages. What another agent is working on is left to it.
///
/// # Errors
/// The database cannot be used. What was fired stays fired.
pub fn work() -> Result<Progress, DbError> {
    let started = Instant::now();
    let mut fired = 0;
    let all_fired = loop {
        let handled = fire(&Db::open()?, MOST)?;
        fired += handled;
        if handled == 0 || started.elapsed() >= FIRING {
            break handled == 0;
        }
    };
    let Delivered { settled, is_all } = deliver(started + SENDING)?;
    if fired > 0 || settled > 0 {
        logging::info("fired the reminders that were due")
            .field("reminders", fired)
            .field("attempts", settled)
            .write();
    }
    Ok(match all_fired && is_all {
        true => Progress::Finished,
        false => Progress::TimeIsOver,
    })
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

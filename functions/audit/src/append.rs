//! Appends the events of a frame to the audit trail with one SQL statement, which returns one result per event.

use domain::frame::{EventResult, Frame, Outcome};
use guest::logging;
use guest::postgres::{Db, DbError, text};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Appends the events that are not recorded yet. The returned results are durable.
///
/// If Postgres refused the events, nothing was recorded and the fault lies in one of them. Then each event gets
/// [`Outcome::Retry`], and the bridge redelivers each alone. The statement decides that, because the code of an execution
/// error does not reach a function.
///
/// # Errors
/// When the settings, the connection or the database fail. No event is at fault then.
pub fn append(frame: &Frame) -> Result<Vec<EventResult>, DbError> {
    let mut row = Db::open()?.query_one(
        include_str!("append.sql"),
        &[text(json_array(&frame.events)?)],
    )?;
    match row.text_or_null(0)? {
        Some(results) => recorded(frame, &results),
        None => Ok(refused(frame, &row.text(1)?, &row.text(2)?)),
    }
}

/// The results of a frame that Postgres accepted.
fn recorded(frame: &Frame, results: &str) -> Result<Vec<EventResult>, DbError> {
    let results: Vec<EventResult> =
        serde_json::from_str(results).map_err(|error| DbError::Shape(error.to_string()))?;
    let (actual, expected) = (results.len(), frame.events.len());
    if actual != expected {
        return Err(DbError::Shape(format!(
            "{actual} results for {expected} events"
        )));
    }
    log_rejected(frame, &results);
    Ok(results)
}

/// The results of a frame that Postgres refused.
fn refused(frame: &Frame, code: &str, reason: &str) -> Vec<EventResult> {
    let reason = format!("Postgres refused the events: {reason} (SQLSTATE {code})");
    logging::warn("Postgres refused the events of a frame; each is redelivered alone")
        .field("frame", frame.frame.to_string())
        .field("attempt", frame.attempt)
        .field("events", frame.events.len())
        .field("error", reason.clone())
        .write();
    let events = frame.events.iter();
    events.map(|event| retry_result(event, &reason)).collect()
}

/// The events as one JSON array. The text of each event is kept byte for byte, because the trail's hashes cover it.
fn json_array(events: &[Box<RawValue>]) -> Result<String, DbError> {
    serde_json::to_string(events).map_err(|error| DbError::Shape(error.to_string()))
}

/// A result that asks the bridge to redeliver the event. Its id is empty if the event has none.
fn retry_result(event: &RawValue, reason: &str) -> EventResult {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    EventResult {
        id: serde_json::from_str::<Identified>(event.get())
            .map_or_else(|_| String::new(), |event| event.id),
        outcome: Outcome::Retry,
        after_ms: 0,
        error: Some(reason.to_owned()),
    }
}

fn log_rejected(frame: &Frame, results: &[EventResult]) {
    for result in results
        .iter()
        .filter(|result| result.outcome == Outcome::Reject)
    {
        logging::warn("rejected an event that can never be recorded")
            .field("frame", frame.frame.to_string())
            .field("event.id", result.id.clone())
            .field("error", result.error.clone())
            .write();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn the_array_keeps_the_text_of_each_event() {
        assert_eq!(
            json_array(&[raw("{\"a\" : 1.50}"), raw("7")]).unwrap(),
            "[{\"a\" : 1.50},7]"
        );
        assert_eq!(json_array(&[]).unwrap(), "[]");
    }

    #[test]
    fn a_retry_result_has_the_id_of_its_event() {
        for (text, id) in [
            (r#"{"seq":1,"id":"x"}"#, "x"),
            ("{}", ""),
            ("7", ""),
            (r#"{"id":7}"#, ""),
        ] {
            let result = retry_result(&raw(text), "connection lost");
            assert_eq!((result.id.as_str(), result.outcome), (id, Outcome::Retry));
            assert_eq!(result.error.as_deref(), Some("connection lost"));
        }
    }
}

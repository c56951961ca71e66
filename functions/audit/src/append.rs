//! From a frame's events to their entries on the trail: one statement, one result per event.
//!
//! A heartbeat goes the same way with no events, so that it is answered only while appending works.

use domain::frame::{EventResult, Frame, Outcome};
use guest::logging;
use guest::postgres::{Db, DbError, text};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Appends what is new; the results are true once this returns. Where Postgres refused one of the events, each is to be
/// tried alone, as the statement kept nothing. Any other error is the agent's or its database's own trouble.
pub fn append(frame: &Frame) -> Result<Vec<EventResult>, DbError> {
    match append_all(&frame.events) {
        Ok(results) => {
            log_rejected(frame, &results);
            Ok(results)
        }
        Err(error) if error.blames_input() => {
            logging::warn("a frame did not reach the trail")
                .field("frame", frame.frame.to_string())
                .field("attempt", frame.attempt)
                .field("events", frame.events.len())
                .chain(&error)
                .write();
            let reason = error.to_string();
            Ok(frame
                .events
                .iter()
                .map(|event| retry(event, &reason))
                .collect())
        }
        Err(error) => Err(error),
    }
}

fn append_all(events: &[Box<RawValue>]) -> Result<Vec<EventResult>, DbError> {
    let answer = Db::open()?
        .query_one(include_str!("append.sql"), &[text(json_array(events)?)])?
        .text(0)?;
    let results: Vec<EventResult> =
        serde_json::from_str(&answer).map_err(|error| DbError::Shape(error.to_string()))?;
    if results.len() == events.len() {
        Ok(results)
    } else {
        let (given, wanted) = (results.len(), events.len());
        Err(DbError::Shape(format!(
            "{given} results for {wanted} events"
        )))
    }
}

/// The events as one JSON text, each byte for byte as it was born.
fn json_array(events: &[Box<RawValue>]) -> Result<String, DbError> {
    serde_json::to_string(events).map_err(|error| DbError::Shape(error.to_string()))
}

fn retry(event: &RawValue, reason: &str) -> EventResult {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    EventResult {
        id: serde_json::from_str::<Named>(event.get())
            .map_or_else(|_| String::new(), |named| named.id),
        outcome: Outcome::Retry,
        error: Some(reason.to_owned()),
    }
}

fn log_rejected(frame: &Frame, results: &[EventResult]) {
    for result in results
        .iter()
        .filter(|result| result.outcome == Outcome::Reject)
    {
        logging::warn("an event can never be on the trail")
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
    fn events_keep_their_text() {
        assert_eq!(
            json_array(&[raw("{\"a\" : 1.50}"), raw("7")]).unwrap(),
            "[{\"a\" : 1.50},7]"
        );
        assert_eq!(json_array(&[]).unwrap(), "[]");
    }

    #[test]
    fn a_retry_names_its_event_where_it_can() {
        for (text, id) in [
            (r#"{"seq":1,"id":"x"}"#, "x"),
            ("{}", ""),
            ("7", ""),
            (r#"{"id":7}"#, ""),
        ] {
            let result = retry(&raw(text), "away");
            assert_eq!((result.id.as_str(), result.outcome), (id, Outcome::Retry));
            assert_eq!(result.error.as_deref(), Some("away"));
        }
    }
}

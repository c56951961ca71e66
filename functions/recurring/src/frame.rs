//! The work on a frame of events.

use std::collections::BTreeSet;

use domain::frame::{EventResult, Frame, Outcome};
use guest::logging;

use crate::api::{Api, ApiError};
use crate::event::{Received, Request};
use crate::rounds::{self, Fate, Task};

/// Makes the next occurrences for the events of a frame. The returned results are durable.
///
/// # Errors
/// The API cannot be used. No event is at fault then.
pub fn work(frame: &Frame) -> Result<Vec<EventResult>, ApiError> {
    let received: Vec<Received> = frame
        .events
        .iter()
        .map(|event| Received::of(event))
        .collect();
    let tasks: Vec<Task> = received.iter().filter_map(task).collect();
    let fates = match tasks.is_empty() {
        true => Vec::new(),
        false => {
            let api = Api::open()?;
            rounds::settle(tasks, |items| api.make(items))?
        }
    };
    let results = results(&received, fates);
    log(frame, &results);
    Ok(results)
}

fn task(event: &Received) -> Option<Task> {
    match &event.request {
        Request::Next(standing) => Some(Task {
            standing: standing.clone(),
            cause: event.cause(),
        }),
        Request::Nothing | Request::Unreadable(_) => None,
    }
}

/// The results of the events. `fates` has one for each that asks for an occurrence, in order.
fn results(received: &[Received], fates: Vec<Fate>) -> Vec<EventResult> {
    let mut fates = fates.into_iter();
    // The events of a user take effect in order, so after one that is to be repeated the others are repeated, too.
    let mut behind = BTreeSet::new();
    let mut results = Vec::with_capacity(received.len());
    for event in received {
        let (outcome, error) = match &event.request {
            Request::Nothing => (Outcome::Done, None),
            Request::Unreadable(reason) => (Outcome::Reject, Some(reason.clone())),
            Request::Next(_) => match fates.next() {
                Some(Fate::Settled) => (Outcome::Done, None),
                Some(Fate::Unreadable(reason) | Fate::Unsettled(reason)) => {
                    (Outcome::Retry, Some(reason))
                }
                None => (Outcome::Retry, Some("it has no result".to_owned())),
            },
        };
        let (outcome, error) = match outcome {
            Outcome::Done if event.user.is_some_and(|user| behind.contains(&user)) => (
                Outcome::Retry,
                Some("an earlier event of the user is repeated".to_owned()),
            ),
            _ => (outcome, error),
        };
        if outcome == Outcome::Retry {
            behind.extend(event.user);
        }
        results.push(EventResult {
            id: event.id.clone(),
            outcome,
            after_ms: 0,
            error,
        });
    }
    results
}

fn log(frame: &Frame, results: &[EventResult]) {
    for result in results
        .iter()
        .filter(|result| result.outcome != Outcome::Done)
    {
        logging::warn("an event did not lead to the next occurrence")
            .field("frame", frame.frame.to_string())
            .field("event.id", result.id.clone())
            .field("attempt", frame.attempt)
            .field("error", result.error.clone())
            .write();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::series::tests::weekly;

    fn received(user: u128, request: Request) -> Received {
        Received {
            id: user.to_string(),
            user: Some(uuid::Uuid::from_u128(user)),
            request,
        }
    }

    fn next() -> Request {
        Request::Next(weekly(&json!({})))
    }

    fn unsettled() -> Fate {
        Fate::Unsettled("busy".to_owned())
    }

    #[test]
    fn each_event_has_its_own_result() {
        let events = [
            received(1, next()),
            received(2, Request::Unreadable("no type".to_owned())),
            received(3, Request::Nothing),
            received(4, next()),
            received(5, next()),
        ];
        let fates = vec![
            Fate::Settled,
            unsettled(),
            Fate::Unreadable("new".to_owned()),
        ];
        let results = results(&events, fates);
        let expected = [
            (Outcome::Done, None),
            (Outcome::Reject, Some("no type")),
            (Outcome::Done, None),
            (Outcome::Retry, Some("busy")),
            (Outcome::Retry, Some("new")),
        ];
        let found: Vec<_> = results
            .iter()
            .map(|result| (result.outcome, result.error.as_deref()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn events_of_a_user_do_not_overtake_one_that_is_repeated() {
        let events = [
            received(1, next()),
            received(1, next()),
            received(2, next()),
            received(1, Request::Nothing),
        ];
        let fates = vec![unsettled(), Fate::Settled, Fate::Settled];
        let outcomes: Vec<_> = results(&events, fates)
            .iter()
            .map(|result| result.outcome)
            .collect();
        let (retry, done) = (Outcome::Retry, Outcome::Done);
        assert_eq!(outcomes, [retry, retry, done, retry]);
    }
}

//! Rounds of requests: series that have changed since they were read are computed again.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::recurrence::{Made, ROUNDS, Standing};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::api::ApiError;
use crate::series::{self, Next};

/// The most occurrences of one request, which the API allows.
pub const MOST: usize = 64;

/// One occurrence of a request.
#[derive(Debug, Serialize)]
pub struct Item<'a> {
    pub series_id: Uuid,
    pub after: Uuid,
    pub recurrence: &'a RawValue,
    pub next: Option<NewOccurrence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_at: Option<String>,
    pub cause: Option<Uuid>,
}

#[derive(Debug, Serialize)]
pub struct NewOccurrence {
    occurrence: String,
    number: i64,
    due: Box<RawValue>,
    due_at: String,
}

/// What became of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The next occurrence exists, or there is nothing to make.
    Settled,
    /// The recurrence has a form that this program does not know.
    Unreadable(String),
    /// The API refused a request in which the series was, or the series changed in each round.
    Unsettled(String),
}

/// A series that is to be settled, and the event that asks for it.
#[derive(Debug)]
pub struct Task {
    pub standing: Standing,
    pub cause: Option<Uuid>,
}

/// Settles up to [`MOST`] series, in order, with one request for each round. `send` sends it.
///
/// # Errors
/// The API cannot be used. Some occurrences may have been made; to make them again is harmless.
pub fn settle(
    tasks: Vec<Task>,
    mut send: impl FnMut(&[Item]) -> Result<Vec<Made>, ApiError>,
) -> Result<Vec<Fate>, ApiError> {
    let mut fates: Vec<Option<Fate>> = tasks.iter().map(|_| None).collect();
    let mut open: Vec<(&mut Option<Fate>, Task)> = fates.iter_mut().zip(tasks).collect();
    for _ in 0..ROUNDS {
        open = round(open, &mut send)?;
    }
    for (fate, _) in open {
        *fate = Some(Fate::Unsettled(
            "the series was changed again and again".to_owned(),
        ));
    }
    // Each one has a fate: those that `round` does not return got one there.
    Ok(fates.into_iter().flatten().collect())
}

/// The series of one round, each with the place for its fate.
type Open<'f> = Vec<(&'f mut Option<Fate>, Task)>;

/// Sends one request. Returns the series that have changed.
fn round<'f>(
    open: Open<'f>,
    send: &mut impl FnMut(&[Item]) -> Result<Vec<Made>, ApiError>,
) -> Result<Open<'f>, ApiError> {
    let mut asked = Vec::with_capacity(open.len());
    for (fate, task) in open {
        match series::next(&task.standing) {
            Ok(Some(next)) => asked.push((fate, task, next)),
            Ok(None) => *fate = Some(Fate::Settled),
            Err(error) => *fate = Some(Fate::Unreadable(error.to_string())),
        }
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<Item> = asked
        .iter()
        .map(|(_, task, next)| Item::new(task, next))
        .collect::<Result<_, _>>()?;
    let answers = match send(&items) {
        Err(ApiError::Refused(reason)) => {
            for (fate, ..) in asked {
                *fate = Some(Fate::Unsettled(reason.clone()));
            }
            return Ok(Vec::new());
        }
        answers => answers?,
    };
    if answers.len() != items.len() {
        let (actual, expected) = (answers.len(), items.len());
        return Err(ApiError::Answer(format!(
            "{actual} results for {expected} occurrences"
        )));
    }
    drop(items);
    let mut changed = Vec::new();
    for ((fate, task, _), answer) in asked.into_iter().zip(answers) {
        match (answer.outcome.as_str(), answer.state) {
            ("changed", Some(standing)) => changed.push((fate, Task { standing, ..task })),
            _ => *fate = Some(Fate::Settled),
        }
    }
    Ok(changed)
}

impl<'a> Item<'a> {
    fn new(task: &'a Task, next: &Next) -> Result<Self, ApiError> {
        let standing = &task.standing;
        let occurrence = next.occurrence.as_ref();
        let next_occurrence = occurrence.map(|occurrence| {
            Ok(NewOccurrence {
                occurrence: occurrence.key.clone(),
                number: occurrence.number,
                due: RawValue::from_string(occurrence.due.to_json())?,
                due_at: rfc3339(occurrence.due_at),
            })
        });
        Ok(Self {
            series_id: standing.series_id,
            after: standing.after.id,
            recurrence: &standing.recurrence,
            next: next_occurrence.transpose().map_err(ApiError::Print)?,
            look_at: next.look_at.map(rfc3339),
            cause: task.cause,
        })
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::series::tests::weekly;

    fn task(series: u128) -> Task {
        let mut standing = weekly(&json!({}));
        standing.series_id = Uuid::from_u128(series);
        Task {
            standing,
            cause: Some(Uuid::from_u128(9)),
        }
    }

    fn made(outcome: &str) -> Made {
        Made {
            outcome: outcome.to_owned(),
            state: None,
        }
    }

    fn changed() -> Made {
        Made {
            state: Some(weekly(&json!({"rule": "FREQ=DAILY"}))),
            ..made("changed")
        }
    }

    #[test]
    fn all_series_are_in_one_request() {
        let mut requests: Vec<Value> = Vec::new();
        let tasks = (0..64).map(task).collect();
        let fates = settle(tasks, |items| {
            requests.push(serde_json::to_value(items).unwrap());
            Ok(items.iter().map(|_| made("made")).collect())
        });
        assert!(fates.unwrap().iter().all(|fate| *fate == Fate::Settled));
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].as_array().unwrap().len(), 64);
        let standing = weekly(&json!({}));
        let expected = json!({
            "series_id": Uuid::from_u128(0), "after": standing.after.id,
            "recurrence": serde_json::from_str::<Value>(standing.recurrence.get()).unwrap(),
            "next": {"occurrence": "2026-03-08", "number": 2, "due": {"date": "2026-03-08"},
                "due_at": "2026-03-08T22:59:59.999999Z"},
            "cause": Uuid::from_u128(9),
        });
        assert_eq!(requests[0][0], expected);
    }

    #[test]
    fn what_has_changed_is_computed_again() {
        let mut rounds = 0;
        let fates = settle(vec![task(1), task(2)], |items| {
            rounds += 1;
            let next = items.last().and_then(|item| item.next.as_ref()).unwrap();
            match rounds {
                1 => Ok(vec![made("exists"), changed()]),
                _ => {
                    assert_eq!((items.len(), next.occurrence.as_str()), (1, "2026-03-02"));
                    Ok(vec![made("made")])
                }
            }
        });
        assert_eq!(fates.unwrap(), [Fate::Settled, Fate::Settled]);
        assert_eq!(rounds, 2);
    }

    #[test]
    fn a_series_that_changes_all_the_time_is_left_for_later() {
        let mut rounds = 0;
        let fates = settle(vec![task(1)], |_| {
            rounds += 1;
            Ok(vec![changed()])
        });
        assert!(matches!(fates.unwrap().as_slice(), [Fate::Unsettled(_)]));
        assert_eq!(rounds, ROUNDS);
    }

    #[test]
    fn nothing_is_sent_if_there_is_nothing_to_make() {
        let paused = Task {
            standing: weekly(&json!({"paused_at": "2026-03-01T08:00:00Z"})),
            cause: None,
        };
        let unknown = Task {
            standing: weekly(&json!({"mode": "moody"})),
            cause: None,
        };
        let fates = settle(vec![paused, unknown], |_| panic!("a request")).unwrap();
        assert!(
            matches!(fates.as_slice(), [Fate::Settled, Fate::Unreadable(_)]),
            "{fates:?}"
        );
    }

    #[test]
    fn a_refusal_concerns_all_of_its_request_and_an_outage_nobody() {
        let refused = settle(vec![task(1), task(2)], |_| {
            Err(ApiError::Refused("422".to_owned()))
        });
        let expected = Fate::Unsettled("422".to_owned());
        assert_eq!(refused.unwrap(), [expected.clone(), expected]);
        let unable = settle(vec![task(1)], |_| Err(ApiError::Unable(503, String::new())));
        assert!(matches!(unable, Err(ApiError::Unable(503, _))));
        let missing = settle(vec![task(1), task(2)], |_| Ok(vec![made("made")]));
        assert!(matches!(missing, Err(ApiError::Answer(_))));
    }
}

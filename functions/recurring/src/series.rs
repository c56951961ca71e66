//! A series as the agent sees it, and what comes next in it. Does no I/O and reads no clock.

use chrono::{DateTime, Utc};
use domain::recurrence::{Create, Occurrence, Series, Standing, Unreadable};

use crate::schedule;

/// What comes next in a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The occurrence to make. `None` ends the series, unless there is a time to look again.
    pub occurrence: Option<Occurrence>,
    /// When to look for the one after it, of a series that runs by schedule.
    pub look_at: Option<DateTime<Utc>>,
}

/// What comes next. `None`: nothing for now, because the series is paused, or waits for the completion of its newest occurrence.
///
/// # Errors
/// The recurrence has a form that this program does not know.
pub fn next(standing: &Standing) -> Result<Option<Next>, Unreadable> {
    let series = Series::read(standing.recurrence.get())?;
    let next = match series.recurrence().create {
        _ if series.is_paused() => None,
        Create::OnSchedule => Some(schedule::next(&series, &standing.after, standing.now)),
        Create::OnCompletion if standing.after.open => None,
        Create::OnCompletion => Some(Next {
            occurrence: series.next(&standing.after.done()),
            look_at: None,
        }),
    };
    Ok(next)
}

#[cfg(test)]
pub mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    /// A series in the form of the API, with members of the recurrence that are not the usual ones.
    pub fn standing(start: &Value, recurrence: &Value, after: &Value, now: &str) -> Standing {
        let mut stored = json!({
            "rule": "FREQ=WEEKLY", "mode": "fixed", "skip": "backward", "create": "on_completion", "overlap": "allow",
            "missed": "catch_up", "exdates": [], "rdates": [], "timezone": "Europe/Berlin", "start": start,
            "paused_at": null, "resumed_at": null, "description": "every week",
        });
        let mut newest = json!({
            "id": Uuid::from_u128(2), "occurrence": "", "number": 1, "at": now, "skipped": false, "open": false,
        });
        for (into, from) in [(&mut stored, recurrence), (&mut newest, after)] {
            for (name, value) in from.as_object().unwrap() {
                into[name] = value.clone();
            }
        }
        let state = json!({
            "series_id": Uuid::from_u128(1), "user_id": Uuid::from_u128(3), "recurrence": stored, "after": newest, "now": now,
        });
        serde_json::from_str(&state.to_string()).unwrap()
    }

    /// A weekly series from 1 March, whose first occurrence is completed, with these members of the recurrence.
    pub fn weekly(recurrence: &Value) -> Standing {
        standing(
            &json!({"date": "2026-03-01"}),
            recurrence,
            &json!({"occurrence": "2026-03-01"}),
            "2026-03-01T10:00:00Z",
        )
    }

    #[test]
    fn a_completed_occurrence_leads_to_the_next_one() {
        let found = next(&weekly(&json!({}))).unwrap().unwrap();
        assert_eq!(found.look_at, None);
        let occurrence = found.occurrence.unwrap();
        assert_eq!(
            (occurrence.key.as_str(), occurrence.number),
            ("2026-03-08", 2)
        );
        assert_eq!(occurrence.due.to_json(), r#"{"date":"2026-03-08"}"#);
    }

    #[test]
    fn the_last_occurrence_ends_the_series() {
        let found = next(&weekly(&json!({"rule": "FREQ=WEEKLY;COUNT=1"})));
        let end = Next {
            occurrence: None,
            look_at: None,
        };
        assert_eq!(found.unwrap(), Some(end));
    }

    #[test]
    fn a_series_that_is_paused_or_waits_for_a_completion_is_left_alone() {
        let paused = weekly(&json!({"paused_at": "2026-03-01T09:00:00Z"}));
        assert_eq!(next(&paused).unwrap(), None);
        let mut open = weekly(&json!({}));
        open.after.open = true;
        assert_eq!(next(&open).unwrap(), None);
    }

    #[test]
    fn a_form_of_another_release_is_an_error() {
        for unknown in [json!({"rule": "FREQ=LUNAR"}), json!({"mode": "moody"})] {
            assert!(next(&weekly(&unknown)).is_err(), "{unknown}");
        }
        assert!(next(&weekly(&json!({"new_member": 1}))).is_ok());
    }
}

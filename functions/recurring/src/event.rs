//! What an event asks for: the next occurrence of a series, or nothing. Does no I/O.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::event::EventType;
use domain::recurrence::{Create, Newest, Series, Standing};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// An event of a frame.
#[derive(Debug)]
pub struct Received {
    /// Its id; empty if it has none.
    pub id: String,
    /// The user whose event it is; `None` if the event is not readable.
    pub user: Option<Uuid>,
    pub request: Request,
}

/// What an event asks for.
#[derive(Debug)]
pub enum Request {
    /// Nothing.
    Nothing,
    /// The occurrence after one that was completed or skipped.
    Next(Standing),
    /// It cannot be understood; the reason.
    Unreadable(String),
}

#[derive(Deserialize)]
struct Data<'event> {
    #[serde(borrow)]
    task: Task<'event>,
}

/// A task that was completed or skipped.
#[derive(Deserialize)]
struct Task<'event> {
    id: Uuid,
    series_id: Option<Uuid>,
    occurrence: Option<String>,
    /// Events that are older than series have none.
    occurrence_number: Option<i64>,
    #[serde(borrow)]
    recurrence: Option<&'event RawValue>,
    completed_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl Received {
    pub fn of(event: &RawValue) -> Self {
        // An event that is no object has no members, and so no type.
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_str(event.get()).unwrap_or_default();
        let text = |name: &str| {
            let member = members.get(name)?;
            serde_json::from_str::<String>(member.get()).ok()
        };
        Self {
            id: text("id").unwrap_or_default(),
            user: text("userid").and_then(|user| user.parse().ok()),
            request: Request::of(text("type").as_deref(), members.get("data").copied()),
        }
    }

    /// The id, for the event that this one causes.
    pub fn cause(&self) -> Option<Uuid> {
        self.id.parse().ok()
    }
}

impl Request {
    fn of(kind: Option<&str>, data: Option<&RawValue>) -> Self {
        let skipped = match kind.map(EventType::from_name) {
            Some(Some(EventType::TaskCompleted)) => false,
            Some(Some(EventType::TaskSkipped)) => true,
            // Events of other types, also of those that a newer release has, lead to no occurrence.
            Some(_) => return Self::Nothing,
            None => return Self::Unreadable("it has no type".to_owned()),
        };
        let read = serde_json::from_str::<Data>(data.map_or("null", RawValue::get));
        let standing = read
            .map_err(|error| format!("data: {error}"))
            .and_then(|data| data.task.standing(skipped));
        match standing {
            Ok(None) => Self::Nothing,
            Ok(Some(standing)) => Self::Next(standing),
            Err(reason) => Self::Unreadable(reason),
        }
    }
}

impl Task<'_> {
    /// Where the series stands; `None` if the event leads to nothing.
    fn standing(self, skipped: bool) -> Result<Option<Standing>, String> {
        let (Some(series_id), Some(recurrence)) = (self.series_id, self.recurrence) else {
            return Ok(None);
        };
        let series = Series::read(recurrence.get()).map_err(|error| error.to_string())?;
        // The schedule leads to the next occurrence. A series that is resumed finds it by itself.
        if series.recurrence().create == Create::OnSchedule || series.is_paused() {
            return Ok(None);
        }
        let (Some(occurrence), Some(number)) = (self.occurrence, self.occurrence_number) else {
            return Err("the task has no occurrence".to_owned());
        };
        let at = self.completed_at.unwrap_or(self.updated_at);
        Ok(Some(Standing {
            series_id,
            recurrence: recurrence.to_owned(),
            after: Newest {
                id: self.id,
                occurrence,
                number,
                at,
                skipped,
                open: false,
            },
            now: at,
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::series;

    fn golden(text: &str, change: impl FnOnce(&mut Value)) -> Received {
        let mut event: Value = serde_json::from_str(text).unwrap();
        change(&mut event);
        Received::of(&RawValue::from_string(event.to_string()).unwrap())
    }

    fn skipped(change: impl FnOnce(&mut Value)) -> Received {
        golden(
            include_str!("../../../domain/tests/wire/task.skipped.v1.json"),
            change,
        )
    }

    #[test]
    fn a_completion_or_a_skip_asks_for_the_occurrence_after_it() {
        let event = skipped(|_| {});
        assert_eq!(
            event.cause().unwrap().to_string(),
            "01890a5d-ac96-7741-b2d0-8a1b5e6f0004"
        );
        let Request::Next(standing) = event.request else {
            panic!("{:?}", event.request)
        };
        assert!(standing.after.skipped && !standing.after.open);
        assert_eq!(standing.after.occurrence, "2026-03-01T09:00:00");
        assert_eq!(
            standing.after.at.to_rfc3339(),
            "2026-03-01T09:00:00.123456+00:00"
        );
        let next = series::next(&standing)
            .unwrap()
            .unwrap()
            .occurrence
            .unwrap();
        assert_eq!((next.key.as_str(), next.number), ("2026-03-08T09:00:00", 3));

        let completed = skipped(|event| {
            event["type"] = json!("task.completed");
            event["data"]["task"]["completed_at"] = json!("2026-03-02T10:00:00Z");
        });
        let Request::Next(standing) = completed.request else {
            panic!("{:?}", completed.request)
        };
        assert!(!standing.after.skipped);
        assert_eq!(standing.after.at.to_rfc3339(), "2026-03-02T10:00:00+00:00");
    }

    #[test]
    fn the_recurrence_is_kept_as_it_is() {
        let text = r#"{ "rule":"FREQ=DAILY",  "timezone":"UTC","start":{"date":"2026-03-01"} }"#;
        let event = format!(
            r#"{{"id":"x","userid":"{user}","type":"task.completed","data":{{"task":{{"id":"{user}","series_id":"{user}",
                "occurrence":"2026-03-01","occurrence_number":1,"recurrence":{text},"completed_at":null,
                "updated_at":"2026-03-01T09:00:00Z"}}}}}}"#,
            user = Uuid::from_u128(1)
        );
        let event = Received::of(&RawValue::from_string(event).unwrap());
        let Request::Next(standing) = event.request else {
            panic!("{:?}", event.request)
        };
        assert_eq!(standing.recurrence.get(), text);
        assert_eq!(series::next(&standing).unwrap().unwrap().look_at, None);
    }

    #[test]
    fn other_events_ask_for_nothing() {
        let files = [
            include_str!("../../../domain/tests/wire/task.completed.v1.json"),
            include_str!("../../../domain/tests/wire/task.created.v1.json"),
            include_str!("../../../domain/tests/wire/series.ended.v1.json"),
            include_str!("../../../domain/tests/wire/user.login.v1.json"),
        ];
        for file in files {
            let event = golden(file, |_| {});
            assert!(matches!(event.request, Request::Nothing), "{event:?}");
        }
        type Change = fn(&mut Value);
        let changes: [Change; 4] = [
            |event| event["type"] = json!("task.invented"),
            |event| event["data"]["task"]["recurrence"] = json!(null),
            |event| event["data"]["task"]["recurrence"]["create"] = json!("on_schedule"),
            |event| {
                event["data"]["task"]["recurrence"]["paused_at"] = json!("2026-03-01T08:00:00Z")
            },
        ];
        for change in changes {
            let event = skipped(change);
            assert!(matches!(event.request, Request::Nothing), "{event:?}");
        }
    }

    #[test]
    fn what_can_never_be_understood_is_unreadable() {
        type Change = fn(&mut Value);
        let changes: [Change; 8] = [
            |event| *event = json!(7),
            |event| event["type"] = json!(null),
            |event| event["data"] = json!({}),
            |event| event["data"]["task"]["id"] = json!("x"),
            |event| event["data"]["task"]["updated_at"] = json!("yesterday"),
            |event| event["data"]["task"]["occurrence"] = json!(null),
            |event| event["data"]["task"]["recurrence"]["rule"] = json!("FREQ=NEVER"),
            |event| event["data"]["task"]["recurrence"]["start"] = json!(null),
        ];
        for change in changes {
            let event = skipped(change);
            assert!(matches!(event.request, Request::Unreadable(_)), "{event:?}");
        }
    }
}

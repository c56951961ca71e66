//! The member `next` of the answer to a request that completes or skips an occurrence of a series: what comes next. The agent makes
//! that task within moments, so a client need not wait for it.

use chrono::{DateTime, Utc};
use domain::recurrence::{Done, Series, occurrence_id};
use domain::task::Status;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::series::item;

/// What of a task's JSON says what comes next.
#[derive(Deserialize)]
struct Finished<'a> {
    status: &'a str,
    series_id: Uuid,
    occurrence: &'a str,
    occurrence_number: i64,
    #[serde(borrow)]
    recurrence: &'a RawValue,
    completed_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

/// Adds `next` to the JSON of a task, if it is a completed or skipped occurrence of a series. It is null if the series has ended or
/// is paused.
pub fn added(mut task: String) -> String {
    let next = match serde_json::from_str::<Finished>(&task) {
        Ok(finished) => finished.next(),
        // A task without a recurrence.
        Err(_) => None,
    };
    if let Some(next) = next
        && task.ends_with('}')
    {
        task.pop();
        task.push_str(",\"next\":");
        task.push_str(&next);
        task.push('}');
    }
    task
}

impl Finished<'_> {
    fn next(&self) -> Option<String> {
        let is_skipped = self.status == Status::Cancelled.as_str();
        if !is_skipped && self.status != Status::Completed.as_str() {
            return None;
        }
        let series = Series::read(self.recurrence.get()).ok()?;
        let next = series.next(&Done {
            occurrence: self.occurrence,
            number: self.occurrence_number,
            at: self.completed_at.unwrap_or(self.updated_at),
            skipped: is_skipped,
        });
        Some(next.map_or_else(
            || "null".to_owned(),
            |next| {
                let id = occurrence_id(self.series_id, &next.key);
                format!(r#"{{"id":"{id}",{}}}"#, item::members(&next))
            },
        ))
    }
}

//! `GET /api/series/{id}/occurrences`: the occurrences of a series that are done, skipped, open or were missed, and those to come.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::recurrence::{Done, Occurrence, Series};
use domain::task::Status;
use guest::postgres::text;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::item;
use crate::auth::Caller;
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// Occurrences to come in the answer, by default.
const COMING: usize = 10;
/// Missed occurrences that are listed between two tasks.
const MISSED: usize = 100;

pub fn occurrences(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let page = Page::take(&mut query, format!("occurrences {id}"))?;
    let coming = query.parsed("coming", "a number from 0 to 200", |text| {
        text.parse()
            .ok()
            .filter(|coming| (0..=200).contains(coming))
    });
    query.finish()?;
    let rate = Rate::read(&caller, 1)?;
    let mut parameters = vec![text(caller.user.to_string()), text(id.to_string())];
    parameters.extend(page.parameters());
    let mut row = rate.run(request, include_str!("list.sql"), parameters)?;
    let recurrence = row.text_or_null(3)?.ok_or_else(Problem::not_found)?;
    let has_more = row.text_or_null(1)?.is_some();
    let has_ended = row.text_or_null(4)?.is_some();
    let tasks = row.text(0)?;
    let tasks: Vec<Task> = serde_json::from_str(&tasks)
        .map_err(|error| Problem::internal(format!("reading the occurrences: {error}")))?;
    let series = Series::read(&recurrence)
        .map_err(|error| Problem::internal(format!("reading a recurrence: {error}")))?;
    let mut items = history(&tasks, &series);
    if let Some(newest) = tasks.last()
        && !has_more
        && !has_ended
    {
        let to_come = newest.following(&series, coming.unwrap_or(COMING));
        items.extend(
            to_come
                .iter()
                .map(|occurrence| line("coming", "null", occurrence)),
        );
    }
    page.reply(&format!("[{}]", items.join(",")), &mut row)
}

/// An occurrence that is a task, see `list_occurrences.fn.sql`.
#[derive(Deserialize)]
struct Task<'a> {
    task_id: Uuid,
    occurrence: String,
    number: i64,
    status: String,
    at: DateTime<Utc>,
    #[serde(borrow)]
    due: &'a RawValue,
    due_at: Option<DateTime<Utc>>,
}

/// The tasks, and between them the occurrences that were missed.
fn history(tasks: &[Task], series: &Series) -> Vec<String> {
    let mut items = Vec::new();
    for (place, task) in tasks.iter().enumerate() {
        items.push(task.json());
        if let Some(next) = tasks.get(place + 1) {
            let missed = series
                .coming(Some((&task.occurrence, task.number)))
                .take_while(|missed| missed.key < next.occurrence)
                .take(MISSED);
            items.extend(missed.map(|missed| line("missed", "null", &missed)));
        }
    }
    items
}

impl Task<'_> {
    fn json(&self) -> String {
        let state = if self.status == Status::Completed.as_str() {
            "done"
        } else if self.status == Status::Cancelled.as_str() {
            "skipped"
        } else {
            "open"
        };
        let due_at = self.due_at.map_or_else(
            || "null".to_owned(),
            |at| format!("\"{}\"", at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        );
        format!(
            r#"{{"state":"{state}","task_id":"{}","occurrence":"{}","due":{},"due_at":{due_at}}}"#,
            self.task_id, self.occurrence, self.due
        )
    }

    /// What comes after this task: after it was done, or if it were done when it is due, and each other when that is due.
    fn following(&self, series: &Series, most: usize) -> Vec<Occurrence> {
        let is_open =
            self.status == Status::Open.as_str() || self.status == Status::InProgress.as_str();
        let at = match self.due_at {
            Some(due_at) if is_open => due_at.max(self.at),
            _ => self.at,
        };
        let Some(next) = series.next(&Done {
            occurrence: &self.occurrence,
            number: self.number,
            at,
            skipped: self.status == Status::Cancelled.as_str(),
        }) else {
            return Vec::new();
        };
        let others = series.coming(Some((&next.key, next.number)));
        std::iter::once(next.clone())
            .chain(others)
            .take(most)
            .collect()
    }
}

fn line(state: &str, task: &str, occurrence: &Occurrence) -> String {
    let members = item::members(occurrence);
    format!(r#"{{"state":"{state}","task_id":{task},{members}}}"#)
}

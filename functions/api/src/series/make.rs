//! `POST /api/occurrences` and `…/claim`: the agent makes the next occurrences of series, and finds those that are missing.
//!
//! Both are for the agent alone, which has a credential of its own. They are not charged: the agent works through frames one at a time.

use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::due::Due;
use domain::json::{Fault, Json, Reader, nullable, text, whole};
use domain::recurrence::{Occurrence, Series, occurrence_id};
use domain::task;
use guest::postgres::{Db, ParameterValue, text as text_parameter};
use serde_json::{Value, json};
use uuid::Uuid;

use super::preview::instant;
use crate::auth::Agent;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::http::request::{MAX_BATCH, Request};
use crate::http::trace::Trace;
use crate::tasks::due_texts;

/// The most series of one request.
const MOST: i64 = 64;

pub fn claim(request: &mut Request) -> Result<Reply, Problem> {
    Agent::of(request)?;
    Query::of(request).finish()?;
    let mut reader = Reader::new("", body::json(request)?)?;
    let limit = reader.required("limit", limit);
    reader.finish()?;
    let limit = ParameterValue::Int64(limit.unwrap_or_default());
    let series = Db::open()?
        .query_one(include_str!("claim.sql"), &[limit])?
        .text(0)?;
    Ok(Reply::json(200, format!(r#"{{"series":{series}}}"#)))
}

fn limit(pointer: &str, value: Json) -> Result<i64, Vec<Fault>> {
    whole(&value)
        .filter(|limit| (1..=MOST).contains(limit))
        .ok_or_else(|| {
            vec![Fault::new(
                pointer,
                format!("must be a number from 1 to {MOST}"),
            )]
        })
}

pub fn make(request: &mut Request) -> Result<Reply, Problem> {
    let agent = Agent::of(request)?;
    Query::of(request).finish()?;
    let mut reader = Reader::new("", body::json_up_to(request, MAX_BATCH)?)?;
    let items = reader.required("occurrences", items);
    reader.finish()?;
    let items: Vec<Value> = items
        .unwrap_or_default()
        .into_iter()
        .map(|item| item.parameter(&request.trace))
        .collect();
    let parameters = [
        text_parameter(Value::Array(items).to_string()),
        text_parameter(agent.actor()),
    ];
    let results = Db::open()?
        .query_one(include_str!("create_occurrences.sql"), &parameters)?
        .text(0)?;
    Ok(Reply::json(200, format!(r#"{{"results":{results}}}"#)))
}

/// One occurrence of a request.
struct Item {
    series: Uuid,
    /// The occurrence after which it comes.
    after: Uuid,
    /// The recurrence from which it was computed, as JSON.
    recurrence: Value,
    /// `None` if the series has ended.
    next: Option<Occurrence>,
    /// When to look for the one after it, of a series that runs by schedule.
    look_at: Option<DateTime<Utc>>,
    /// The event that led to it.
    cause: Option<Uuid>,
}

fn items(pointer: &str, value: Json) -> Result<Vec<Item>, Vec<Fault>> {
    let items = match value {
        Json::List(items) if (1..=MOST).contains(&(items.len() as i64)) => items,
        _ => {
            return Err(vec![Fault::new(
                pointer,
                format!("must be 1 to {MOST} occurrences"),
            )]);
        }
    };
    let items = items.into_iter().enumerate();
    items
        .map(|(place, item)| Item::parse(&format!("{pointer}/{place}"), item))
        .collect()
}

impl Item {
    fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(pointer, value)?;
        let series = reader.required("series_id", task::id);
        let after = reader.required("after", task::id);
        let recurrence = reader.required("recurrence", recurrence);
        let next = reader.required("next", nullable(next));
        let look_at = reader.optional("look_at", nullable(instant)).flatten();
        let cause = reader.optional("cause", nullable(task::id)).flatten();
        reader.finish()?;
        match (series, after, recurrence, next) {
            (Some(series), Some(after), Some(recurrence), Some(next)) => Ok(Self {
                series,
                after,
                recurrence,
                next,
                look_at,
                cause,
            }),
            // A missing member is a fault that `finish` has returned, so this error is never seen.
            _ => Err(vec![Fault::new(pointer, "is not complete")]),
        }
    }

    fn parameter(self, trace: &Trace) -> Value {
        let context = trace.event_members_after(self.cause);
        let next = self.next.as_ref();
        let mut item = parameter(self.series, self.after, self.recurrence, next, context);
        if let (Some(at), Some(members)) = (self.look_at, item.as_object_mut()) {
            let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
            members.insert("look_at".to_owned(), Value::from(at));
        }
        item
    }
}

/// An item as `create_occurrences` takes it. `context` are the members of its events that come from the request.
pub fn parameter(
    series: Uuid,
    after: Uuid,
    recurrence: Value,
    next: Option<&Occurrence>,
    context: String,
) -> Value {
    let [due, instant] = due_texts(next.map(|next| &next.due));
    json!({
        "series_id": series,
        "after": after,
        "recurrence": recurrence,
        "id": next.map(|next| occurrence_id(series, &next.key)),
        "occurrence": next.map(|next| &next.key),
        "number": next.map(|next| next.number),
        "due": due.map(|due| Value::from_str(&due).unwrap_or_default()),
        "instant": instant,
        "context": context,
    })
}

/// The next occurrence in a request.
fn next(pointer: &str, value: Json) -> Result<Occurrence, Vec<Fault>> {
    let mut reader = Reader::new(pointer, value)?;
    let key = reader.required("occurrence", |at, value| text(at, value, 1, 64));
    let number = reader.required("number", number);
    let due = reader.required("due", Due::parse);
    let due_at = reader.required("due_at", instant);
    reader.finish()?;
    match (key, number, due, due_at) {
        (Some(key), Some(number), Some(due), Some(due_at)) => Ok(Occurrence {
            key,
            number,
            due,
            due_at,
        }),
        _ => Err(vec![Fault::new(pointer, "is not complete")]),
    }
}

fn number(pointer: &str, value: Json) -> Result<i64, Vec<Fault>> {
    whole(&value).filter(|number| *number >= 1).ok_or_else(|| {
        vec![Fault::new(
            pointer,
            "must be the number of an occurrence, from 1",
        )]
    })
}

/// A stored recurrence, as it is.
fn recurrence(pointer: &str, value: Json) -> Result<Value, Vec<Fault>> {
    let value = Value::from(value);
    match Series::read(&value.to_string()) {
        Ok(_) => Ok(value),
        Err(_) => Err(vec![Fault::new(
            pointer,
            "must be the recurrence of a series",
        )]),
    }
}

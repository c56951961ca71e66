//! `POST /api/recurrence/preview`: what a series would do, without making one.

use chrono::{DateTime, Utc};
use domain::due::{self, Due};
use domain::json::{Fault, Json, Reader, text, whole};
use domain::recurrence::{Done, Recurrence, Series};
use domain::zone::Tz;
use guest::postgres::text as parameter;
use serde_json::json;

use super::item;
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// Occurrences in a preview, by default and at most.
const DEFAULT_COUNT: usize = 10;
const MAX_COUNT: usize = 1000;

/// The body of the request. The members of a recurrence stand beside the others, or are a member `recurrence`.
struct Preview {
    recurrence: Recurrence,
    due: Due,
    count: usize,
    /// When the first occurrence is done, in place of now.
    after: Option<DateTime<Utc>>,
}

pub fn preview(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let preview = Preview::parse(body::json(request)?)?;
    let rate = Rate::read(&caller, 1)?;
    let parameters = vec![parameter(caller.user.to_string())];
    let mut row = rate.run(request, include_str!("timezone.sql"), parameters)?;
    let zone = row
        .text_or_null(0)?
        .ok_or_else(|| caller.gone())?
        .parse()
        .map_err(|_| Problem::internal("the timezone of the account is not known"))?;
    Ok(Reply::json(200, preview.answer(zone, Utc::now())))
}

impl Preview {
    fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let (own, defined) = split(body)?;
        let mut reader = Reader::new("", own)?;
        let due = reader.required("due", Due::parse);
        let count = reader.optional("count", count);
        let after = reader.optional("after", instant);
        let nested = reader.optional("recurrence", Recurrence::parse);
        let beside = defined.map(|defined| Recurrence::parse("", defined));
        let pointer = if beside.is_some() { "" } else { "/recurrence" };
        let mut faults = reader.finish().err().unwrap_or_default();
        let recurrence = match beside {
            Some(Ok(recurrence)) => Some(recurrence),
            Some(Err(mut others)) => {
                faults.append(&mut others);
                None
            }
            None => nested,
        };
        match (recurrence, due) {
            (Some(recurrence), Some(due)) if faults.is_empty() => {
                recurrence.check(pointer, &due)?;
                Ok(Self {
                    recurrence,
                    due,
                    count: count.unwrap_or(DEFAULT_COUNT),
                    after,
                })
            }
            _ => Err(faults),
        }
    }

    fn answer(self, zone: Tz, now: DateTime<Utc>) -> String {
        let series = Series::new(self.recurrence, self.due, zone);
        let rule = series.recurrence().rule();
        let description = series.recurrence().description();
        let first = series.first();
        let done_at = self.after.unwrap_or_else(|| now.max(first.due_at));
        let second = series.next(&Done {
            occurrence: &first.key,
            number: first.number,
            at: done_at,
            skipped: false,
        });
        let mut occurrences = Vec::new();
        if self.after.is_none() {
            occurrences.push(first);
        }
        if let Some(second) = second {
            let others = series.coming(Some((&second.key, second.number)));
            let left = self.count - occurrences.len();
            occurrences.extend(std::iter::once(second.clone()).chain(others).take(left));
        }
        let occurrences: Vec<String> = occurrences.iter().map(item::json).collect();
        format!(
            r#"{{"rule":{},"description":{},"occurrences":[{}]}}"#,
            json!(rule),
            json!(description),
            occurrences.join(",")
        )
    }
}

/// Splits the body into the members of the preview and those of the recurrence, unless that is a member of its own.
fn split(body: Json) -> Result<(Json, Option<Json>), Vec<Fault>> {
    const OWN: [&str; 3] = ["due", "count", "after"];
    match body {
        Json::Object(members) if members.iter().all(|(name, _)| name != "recurrence") => {
            let (own, defined) = members
                .into_iter()
                .partition(|(name, _)| OWN.contains(&name.as_str()));
            Ok((Json::Object(own), Some(Json::Object(defined))))
        }
        body => Ok((body, None)),
    }
}

fn count(pointer: &str, value: Json) -> Result<usize, Vec<Fault>> {
    whole(&value)
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| (1..=MAX_COUNT).contains(count))
        .ok_or_else(|| {
            let detail = format!("must be a number of occurrences from 1 to {MAX_COUNT}");
            vec![Fault::new(pointer, detail)]
        })
}

/// Parses an instant.
pub fn instant(pointer: &str, value: Json) -> Result<DateTime<Utc>, Vec<Fault>> {
    let written = text(pointer, value, 1, 40)?;
    due::instant(&written)
        .map(|instant| instant.with_timezone(&Utc))
        .ok_or_else(|| {
            vec![Fault::new(
                pointer,
                "must be an instant like 2026-03-01T08:00:00Z",
            )]
        })
}

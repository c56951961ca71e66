//! `GET /api/audit`: the caller's trail, or for auditors anybody's, filtered.

use super::page::{self, Page};
use super::scope;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::Query;
use crate::reply::Reply;
use crate::request::Request;
use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use guest::postgres::{ParameterValue, text, text_or_null};
use uuid::Uuid;

pub fn list(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let user = scope::user_id(&mut query);
    let filter = Filter::take(&mut query);
    let whose = user.or_else(|| (!scope::reads_every_trail(&caller)).then_some(caller.user));
    let name = format!("audit {whose:?} {filter:?}");
    // One chain is read in its own order; between chains there is only time.
    let page = match whose {
        Some(_) => Page::take(&mut query, &name, page::is_number),
        None => Page::take(&mut query, &name, |key| time_and_id(key).is_some()),
    };
    query.finish()?;
    scope::check(&caller, user)?;

    let (sql, parameters) = match whose {
        Some(user) => of_user(user, &filter, &page),
        None => of_all(&filter, &page),
    };
    let mut row = request.db()?.query_one(sql, &parameters)?;
    let (items, last) = (row.text(0)?, row.text_or_null(1)?);
    Ok(Reply::json(200, page.body(&items, last.as_deref())))
}

/// What entries must match. `actor` is an actor's id or its kind.
#[derive(Debug)]
struct Filter {
    task: Option<String>,
    kind: Option<String>,
    actor: Option<String>,
    from: Option<String>,
    to: Option<String>,
    correlation: Option<String>,
}

impl Filter {
    fn take(query: &mut Query) -> Self {
        Self {
            task: query
                .parsed("task_id", "a UUID", scope::uuid)
                .map(|id| id.to_string()),
            kind: query.one("type"),
            actor: query.one("actor"),
            from: query.parsed("from", TIME, time),
            to: query.parsed("to", TIME, time),
            correlation: query.one("correlation_id"),
        }
    }

    fn parameters(&self) -> [ParameterValue; 6] {
        [
            &self.task,
            &self.kind,
            &self.actor,
            &self.from,
            &self.to,
            &self.correlation,
        ]
        .map(|value| text_or_null(value.as_deref()))
    }
}

fn of_user(user: Uuid, filter: &Filter, page: &Page) -> (&'static str, Vec<ParameterValue>) {
    let mut parameters = vec![text(user.to_string())];
    parameters.extend(filter.parameters());
    parameters.push(text_or_null(page.after.as_deref()));
    parameters.push(ParameterValue::Int64(page.limit));
    (include_str!("list_user.sql"), parameters)
}

fn of_all(filter: &Filter, page: &Page) -> (&'static str, Vec<ParameterValue>) {
    let (time, id) = page.after.as_deref().and_then(time_and_id).unzip();
    let mut parameters: Vec<ParameterValue> = filter.parameters().into();
    parameters.push(text_or_null(time));
    parameters.push(text_or_null(id));
    parameters.push(ParameterValue::Int64(page.limit));
    (include_str!("list_all.sql"), parameters)
}

const TIME: &str = "an RFC 3339 time such as 2026-03-01T09:00:00Z";

/// A time in the one form that Postgres is given, from any that RFC 3339 allows and whose UTC year has four digits.
fn time(given: &str) -> Option<String> {
    let utc = DateTime::parse_from_rfc3339(given)
        .ok()?
        .with_timezone(&Utc);
    (1..=9999)
        .contains(&utc.year())
        .then(|| utc.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// The two halves of a key of the list between chains.
fn time_and_id(key: &str) -> Option<(&str, &str)> {
    let (at, id) = key.split_once(' ')?;
    time(at)?;
    scope::uuid(id)?;
    Some((at, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_brought_into_one_form() {
        assert_eq!(
            time("2026-03-01T10:00:00+01:00").as_deref(),
            Some("2026-03-01T09:00:00.000000Z")
        );
        for wrong in [
            "",
            "yesterday",
            "2026-03-01",
            "2026-03-01T09:00:00",
            "0000-01-01T00:00:00+01:00",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_between_chains_has_two_halves() {
        let id = Uuid::nil();
        assert!(time_and_id(&format!("2026-03-01T09:00:00.000001Z {id}")).is_some());
        for wrong in [
            "",
            "41",
            "2026-03-01T09:00:00Z",
            &format!("x {id}"),
            "2026-03-01T09:00:00Z x",
        ] {
            assert_eq!(time_and_id(wrong), None, "{wrong}");
        }
    }
}

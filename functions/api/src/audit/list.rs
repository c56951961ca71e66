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

pub fn list(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let user = scope::user_id(&mut query);
    let filter = Filter::take(&mut query);
    let whose = user.or_else(|| (!scope::reads_every_trail(&caller)).then_some(caller.user));
    let name = format!("audit {whose:?} {filter:?}");
    // One chain is read in its own order; between chains there is only time.
    let page = match whose {
        Some(_) => Page::take(&mut query, name, page::is_number),
        None => Page::take(&mut query, name, |key| time(key).is_some()),
    };
    query.finish()?;
    scope::check(&caller, user)?;

    let mut parameters: Vec<ParameterValue> = whose
        .map(|user| text(user.to_string()))
        .into_iter()
        .collect();
    parameters.extend(filter.parameters());
    parameters.extend(page.parameters());
    let sql = match whose {
        Some(_) => include_str!("list_user.sql"),
        None => include_str!("list_all.sql"),
    };
    let mut row = request.db()?.query_one(sql, &parameters)?;
    Ok(Reply::json(200, page.body(&mut row)?))
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
}

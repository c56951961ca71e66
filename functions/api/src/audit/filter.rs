//! Which entries of the trail are asked for: whose, and what they must match. The list and the export share it.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use guest::postgres::{ParameterValue, text_or_null};
use uuid::Uuid;

use super::scope;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::{self, Query};

/// The entries of one user or of everybody that pass a filter.
#[derive(Debug)]
pub struct Selection {
    asked: Option<Uuid>,
    whose: Option<Uuid>,
    filter: Filter,
}

impl Selection {
    pub fn take(query: &mut Query, caller: &Caller) -> Self {
        let asked = scope::user_id(query);
        Self {
            asked,
            whose: asked.or_else(|| (!scope::reads_every_trail(caller)).then_some(caller.user)),
            filter: Filter::take(query),
        }
    }

    /// Refuses a trail that is not the caller's to read.
    pub fn check(&self, caller: &Caller) -> Result<(), Problem> {
        scope::check(caller, self.asked)
    }

    /// The one user whose entries they are; `None` for everybody's.
    pub fn whose(&self) -> Option<Uuid> {
        self.whose
    }

    /// Everything that makes this list another one than the next.
    pub fn describe(&self) -> String {
        format!("audit {:?} {:?}", self.whose, self.filter)
    }

    /// The arguments of the SQL function `matching_entries`, which a statement begins with.
    pub fn parameters(&self) -> Vec<ParameterValue> {
        let whose = text_or_null(self.whose.map(|user| user.to_string()));
        std::iter::once(whose)
            .chain(self.filter.parameters())
            .collect()
    }
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
                .parsed("task_id", "a UUID", query::uuid)
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
pub fn time(given: &str) -> Option<String> {
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

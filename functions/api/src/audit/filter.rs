//! The selection of audit entries by the query parameters of a request. The list and the export share it.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use guest::postgres::{ParameterValue, text_or_null};
use uuid::Uuid;

use super::scope;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::tasks::Day;

/// The entries of one user or of all users that match a filter.
#[derive(Debug)]
pub struct Selection {
    /// The query parameter `user_id`.
    requested: Option<Uuid>,
    /// The user whose entries are selected, or `None` for all users.
    user: Option<Uuid>,
    filter: Filter,
}

impl Selection {
    /// Takes the query parameters. Without `user_id`, auditors and admins select all users, and others themselves.
    pub fn take(query: &mut Query, caller: &Caller) -> Self {
        let requested = scope::user_id(query);
        Self {
            requested,
            user: requested.or_else(|| (!scope::reads_every_trail(caller)).then_some(caller.user)),
            filter: Filter::take(query, caller.user),
        }
    }

    /// Fails if the caller may not read the selected trail.
    pub fn check(&self, caller: &Caller) -> Result<(), Problem> {
        scope::check(caller, self.requested)
    }

    /// The user whose entries are selected, or `None` for all users.
    pub fn user(&self) -> Option<Uuid> {
        self.user
    }

    /// Identifies the list in its cursors, so that a cursor is refused in a list with another user or filter.
    pub fn describe(&self) -> String {
        format!("audit {:?} {:?}", self.user, self.filter)
    }

    /// The arguments of the SQL function `matching_entries`. They are the first parameters of each statement.
    pub fn parameters(&self) -> Vec<ParameterValue> {
        let user = text_or_null(self.user.map(|user| user.to_string()));
        std::iter::once(user)
            .chain(self.filter.parameters())
            .collect()
    }
}

/// What entries must match. Members that are `None` filter nothing.
#[derive(Debug)]
struct Filter {
    task: Option<String>,
    kind: Option<String>,
    /// An actor's id or type.
    actor: Option<String>,
    from: Option<String>,
    to: Option<String>,
    correlation: Option<String>,
}

impl Filter {
    fn take(query: &mut Query, reader: Uuid) -> Self {
        let bound = |text: &str| bound(text, reader);
        Self {
            task: query
                .parsed("task_id", "a UUID", query::uuid)
                .map(|id| id.to_string()),
            kind: query.one("type"),
            actor: query.one("actor"),
            from: query.parsed("from", TIME, bound),
            to: query.parsed("to", TIME, bound),
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

const TIME: &str =
    "an RFC 3339 time such as 2026-03-01T09:00:00Z, a date, today, tomorrow or yesterday";

/// Converts a time, or a day in the timezone of the reader's account, to the format that the SQL function `entry_bound` takes.
fn bound(text: &str, reader: Uuid) -> Option<String> {
    match Day::parse(text) {
        Some(day) => Some(format!("{day} {reader}")),
        None => time(text),
    }
}

/// Converts an RFC 3339 time to UTC with microseconds, the format for SQL parameters. Returns `None` for anything else, and if
/// the UTC year is not between 1 and 9999.
pub fn time(text: &str) -> Option<String> {
    let utc = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    // chrono also accepts a space in place of the T.
    (!text.contains(' ') && (1..=9999).contains(&utc.year()))
        .then(|| utc.to_rfc3339_opts(SecondsFormat::Micros, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_converted_to_utc_with_microseconds() {
        assert_eq!(
            time("2026-03-01T10:00:00+01:00").as_deref(),
            Some("2026-03-01T09:00:00.000000Z")
        );
        for wrong in [
            "",
            "yesterday",
            "2026-03-01",
            "2026-03-01T09:00:00",
            "2026-03-01 09:00:00Z",
            "0000-01-01T00:00:00+01:00",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}

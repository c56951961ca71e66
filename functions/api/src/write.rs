//! Writes: runs a statement that writes, reads its outcome, and turns that into an HTTP answer.
//!
//! SQL functions that write return one row of the type `write_result`. Its `outcome` is the name of an [`Outcome`].
//! Statuses, headers and URLs are decided here.

pub mod idempotency;

use domain::json::Fault;
use guest::postgres::{ParameterValue, Row};

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// The result of a write, as SQL names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A row was created.
    Made,
    /// An existing row has changed.
    Changed,
    /// The request was accepted, and a job does what is left of it.
    Started,
    /// The request changes nothing, so nothing was written.
    Unchanged,
    Deleted,
    /// The row does not exist or belongs to another user.
    Missing,
    /// The user whose data should be written does not exist: the account was deleted.
    Gone,
    /// The id or the email is in use.
    Taken,
    /// The request does not accept the current version.
    Stale,
    /// The request changes members that are read-only.
    ReadOnly,
    /// A task with a recurrence would have no due date.
    NeedsDue,
    /// Only an occurrence of a series can be skipped.
    NotRecurring,
    /// The series has ended, so it cannot be paused or resumed.
    Ended,
    /// The task has 20 reminders, so there is no room for one more.
    TooMany,
    /// The task is not open, so its reminder cannot be snoozed.
    NotOpen,
    /// The Idempotency-Key belongs to another request.
    KeyReused,
    /// The request is not admitted: the rate limit is exceeded, or too many requests of the caller are running.
    Limited,
    /// An operation of an atomic batch was refused, so none was done.
    Refused,
    /// The caller is not an admin any more.
    Forbidden,
    /// The change would leave the system without an admin.
    LastAdmin,
    /// Postgres does not know the timezone.
    UnknownTimezone,
}

impl Outcome {
    /// The name of each outcome in SQL.
    const NAMES: [(&str, Self); 21] = [
        ("made", Self::Made),
        ("changed", Self::Changed),
        ("started", Self::Started),
        ("unchanged", Self::Unchanged),
        ("deleted", Self::Deleted),
        ("missing", Self::Missing),
        ("gone", Self::Gone),
        ("taken", Self::Taken),
        ("stale", Self::Stale),
        ("read_only", Self::ReadOnly),
        ("needs_due", Self::NeedsDue),
        ("not_recurring", Self::NotRecurring),
        ("ended", Self::Ended),
        ("too_many", Self::TooMany),
        ("not_open", Self::NotOpen),
        ("key_reused", Self::KeyReused),
        ("limited", Self::Limited),
        ("refused", Self::Refused),
        ("forbidden", Self::Forbidden),
        ("last_admin", Self::LastAdmin),
        ("unknown_timezone", Self::UnknownTimezone),
    ];

    /// # Errors
    /// An unknown name is an internal error: the SQL functions and this program have different versions.
    pub fn parse(name: &str) -> Result<Self, Problem> {
        Self::NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, outcome)| *outcome)
            .ok_or_else(|| Problem::internal(format!("SQL returned the unknown outcome {name:?}")))
    }

    /// The HTTP status of a write that succeeded, or the problem of one that was refused.
    ///
    /// `version` is the task's current version if the outcome is `stale`. `caller` is `None` in requests
    /// without an access token.
    pub fn status(self, version: Option<i64>, caller: Option<&Caller>) -> Result<u16, Problem> {
        match self {
            Self::Made => Ok(201),
            Self::Changed | Self::Unchanged => Ok(200),
            Self::Started => Ok(202),
            Self::Deleted => Ok(204),
            Self::Missing => Err(Problem::not_found()),
            Self::Gone => Err(caller.map_or_else(Problem::account_gone, Caller::gone)),
            Self::Taken => Err(Problem::id_taken()),
            Self::Stale => Err(version.map_or_else(
                || Problem::internal("SQL returned `stale` without a version"),
                Problem::stale,
            )),
            Self::ReadOnly => Err(Fault::new("", "changes a read-only member").into()),
            Self::NeedsDue => Err(Fault::new(
                "/due",
                "is required for a task with a recurrence; to remove both, set `recurrence` to null too",
            )
            .into()),
            Self::NotRecurring => Err(Problem::conflict(
                "the task is no occurrence of a series; cancel or delete it",
            )),
            Self::Ended => Err(Problem::conflict("the series has ended")),
            Self::TooMany => Err(Problem::conflict(
                "a task has 20 reminders at most; remove one first",
            )),
            Self::NotOpen => Err(Problem::conflict("the task is not open")),
            Self::KeyReused => Err(Problem::key_reused()),
            // `Rate::check` has refused such a request before.
            Self::Limited => Err(Problem::internal(
                "SQL returned `limited`, but the rate limit is not exceeded",
            )),
            Self::Refused => Err(Problem::batch_aborted(409, Vec::new())),
            Self::Forbidden => Err(Problem::not_an_admin()),
            Self::LastAdmin => Err(Problem::conflict(
                "this is the only admin; make another account an admin first",
            )),
            Self::UnknownTimezone => {
                Err(Fault::new("/timezone", "is not a timezone that the database knows").into())
            }
        }
    }
}

/// The row that a write returns. Columns that do not apply to its outcome are `None`.
#[derive(Debug)]
pub struct Write {
    pub outcome: Outcome,
    /// The task's version: the new one after a change, the current one if the outcome is `stale`.
    pub version: Option<i64>,
    /// The id of the created row.
    pub id: Option<String>,
    /// The row after the write, as JSON.
    pub body: Option<String>,
    /// Whether this is the kept answer to an earlier request with the same Idempotency-Key.
    pub replayed: bool,
}

impl Write {
    /// Runs a statement whose last parameter is the rate to charge and whose columns are those of `write_result`.
    ///
    /// # Errors
    /// Those of [`Rate::run`]. All other refusals are outcomes.
    pub fn run(
        request: &mut Request,
        rate: &Rate,
        sql: &str,
        parameters: Vec<ParameterValue>,
    ) -> Result<Self, Problem> {
        Self::read(&mut rate.run(request, sql, parameters)?)
    }

    /// Reads the columns of `write_result`, except the last one, which is the rate.
    pub fn read(row: &mut Row) -> Result<Self, Problem> {
        Ok(Self {
            outcome: Outcome::parse(&row.text(0)?)?,
            version: row.int_or_null(1)?,
            id: row.text_or_null(2)?,
            body: row.text_or_null(3)?,
            replayed: row.bool(4)?,
        })
    }

    /// The response; see [`Outcome::status`].
    pub fn reply(mut self, caller: Option<&Caller>) -> Result<Reply, Problem> {
        let status = self
            .outcome
            .status(self.version, caller)
            .map_err(|problem| problem.replayed(self.replayed))?;
        let reply = match self.body {
            Some(body) => Reply::json(status, body),
            None => Reply::empty(status),
        };
        let reply = match self.version {
            Some(version) => reply.etag(version),
            None => reply,
        };
        let job = self.id.take().filter(|_| self.outcome == Outcome::Started);
        let reply = match job {
            Some(job) => reply.header("location", format!("/api/jobs/{job}")),
            None => reply,
        };
        Ok(reply.replayed(self.replayed))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Collects the names that SQL functions below a folder assign to an outcome: the literals in `outcome := …;`.
    fn outcomes(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                outcomes(&path, found);
            } else if path.to_string_lossy().ends_with(".fn.sql") {
                let sql = fs::read_to_string(&path).unwrap();
                for assignment in sql.split("outcome := ").skip(1) {
                    let assigned = assignment.split(';').next().unwrap();
                    found.extend(assigned.split('\'').skip(1).step_by(2).map(str::to_owned));
                }
            }
        }
    }

    #[test]
    fn sql_and_rust_know_the_same_outcomes() {
        let mut in_sql = BTreeSet::new();
        outcomes(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut in_sql,
        );
        let in_rust: BTreeSet<_> = Outcome::NAMES
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        assert_eq!(in_sql, in_rust);
    }

    #[test]
    fn an_unknown_outcome_is_an_internal_error() {
        assert_eq!(Outcome::parse("stale").unwrap(), Outcome::Stale);
        for name in ["", "Stale", "200", "lost"] {
            assert_eq!(Outcome::parse(name).unwrap_err().status, 500, "{name}");
        }
    }

    #[test]
    fn outcomes_have_statuses() {
        let status = |name: &str| match Outcome::parse(name).unwrap().status(Some(7), None) {
            Ok(status) => status,
            Err(problem) => problem.status,
        };
        let statuses = Outcome::NAMES.map(|(name, _)| (name, status(name)));
        assert_eq!(
            statuses,
            [
                ("made", 201),
                ("changed", 200),
                ("started", 202),
                ("unchanged", 200),
                ("deleted", 204),
                ("missing", 404),
                ("gone", 401),
                ("taken", 409),
                ("stale", 412),
                ("read_only", 422),
                ("needs_due", 422),
                ("not_recurring", 409),
                ("ended", 409),
                ("too_many", 409),
                ("not_open", 409),
                ("key_reused", 422),
                ("limited", 500),
                ("refused", 409),
                ("forbidden", 403),
                ("last_admin", 409),
                ("unknown_timezone", 422),
            ]
        );
        assert_eq!(Outcome::Stale.status(None, None).unwrap_err().status, 500);
    }
}

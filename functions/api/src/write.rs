//! Writes: runs a statement that writes, reads its outcome, and turns that into an HTTP answer.
//!
//! SQL functions that write return one row of the type `write_result`. Its `outcome` is a word that says what happened;
//! statuses, headers and URLs are decided here. [`Outcome`] lists all the words.

pub mod idempotency;

use domain::json::Fault;
use guest::postgres::{ParameterValue, Row};

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Something was created.
    Made,
    /// What was there has changed.
    Changed,
    /// What was there is already as the request wants it.
    Unchanged,
    Deleted,
    /// There is no such thing, or none that the user may see.
    Missing,
    /// There is no such user: the account whose data should be written was deleted.
    Gone,
    /// The id or the email is in use.
    Taken,
    /// The current version is none that the request accepts.
    Stale,
    /// The Idempotency-Key belongs to another request.
    KeyReused,
    /// The rate limit is spent.
    Limited,
    /// An operation of an atomic batch was refused, so none was done.
    Refused,
    /// The caller is not an admin any more.
    Forbidden,
    /// Nobody would be an admin.
    LastAdmin,
    /// Postgres does not know the timezone.
    UnknownTimezone,
}

impl Outcome {
    /// The word for each outcome in SQL.
    const NAMES: [(&str, Self); 14] = [
        ("made", Self::Made),
        ("changed", Self::Changed),
        ("unchanged", Self::Unchanged),
        ("deleted", Self::Deleted),
        ("missing", Self::Missing),
        ("gone", Self::Gone),
        ("taken", Self::Taken),
        ("stale", Self::Stale),
        ("key_reused", Self::KeyReused),
        ("limited", Self::Limited),
        ("refused", Self::Refused),
        ("forbidden", Self::Forbidden),
        ("last_admin", Self::LastAdmin),
        ("unknown_timezone", Self::UnknownTimezone),
    ];

    /// # Errors
    /// A word that is not in the list is an internal error: the database and this program do not fit together.
    pub fn parse(word: &str) -> Result<Self, Problem> {
        Self::NAMES
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, outcome)| *outcome)
            .ok_or_else(|| Problem::inconsistent(format!("SQL answered the outcome {word:?}")))
    }

    /// The HTTP status of a write that was done, or the problem of one that was not.
    ///
    /// `version` is the task's current version where the outcome is `stale`. Without a `caller`, nobody has signed in.
    pub fn status(self, version: Option<i64>, caller: Option<&Caller>) -> Result<u16, Problem> {
        match self {
            Self::Made => Ok(201),
            Self::Changed | Self::Unchanged => Ok(200),
            Self::Deleted => Ok(204),
            Self::Missing => Err(Problem::not_found()),
            Self::Gone => Err(caller.map_or_else(Problem::account_gone, Caller::gone)),
            Self::Taken => Err(Problem::id_taken()),
            Self::Stale => Err(version.map_or_else(
                || Problem::inconsistent("SQL answered `stale` without a version"),
                Problem::stale,
            )),
            Self::KeyReused => Err(Problem::key_reused()),
            // The rate was checked when the row was read.
            Self::Limited => Err(Problem::inconsistent(
                "SQL answered `limited`, but the rate limit is not spent",
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
    /// The task's version: the new one after a change, the current one where the outcome is `stale`.
    pub version: Option<i64>,
    /// The id of what was made.
    pub id: Option<String>,
    /// What was written, as JSON.
    pub body: Option<String>,
    /// Whether this is the kept answer to an earlier request with the same Idempotency-Key.
    replayed: bool,
}

impl Write {
    /// Runs a statement whose last parameter is the rate to charge and whose columns are those of `write_result`.
    ///
    /// # Errors
    /// Where the rate limit is spent or the database fails; every other refusal is an outcome.
    pub fn run(
        request: &mut Request,
        rate: &Rate,
        sql: &str,
        mut parameters: Vec<ParameterValue>,
    ) -> Result<Self, Problem> {
        parameters.push(rate.parameter());
        let mut row = request.db()?.query_one(sql, &parameters)?;
        rate.check(request, &row.text(5)?)?;
        Self::read(&mut row)
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

    /// The answer to the client; see [`Outcome::status`].
    pub fn reply(self, caller: Option<&Caller>) -> Result<Reply, Problem> {
        let status = self.outcome.status(self.version, caller)?;
        let reply = match self.body {
            Some(body) => Reply::json(status, body),
            None => Reply::empty(status),
        };
        let reply = match self.version {
            Some(version) => reply.etag(version),
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

    /// The words that SQL functions below a folder assign to an outcome: the quoted ones of `outcome := …;`.
    fn outcomes_in_sql(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                outcomes_in_sql(&path, found);
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
        outcomes_in_sql(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut in_sql,
        );
        let in_rust: BTreeSet<_> = Outcome::NAMES
            .iter()
            .map(|(word, _)| (*word).to_owned())
            .collect();
        assert_eq!(in_sql, in_rust);
    }

    #[test]
    fn an_unknown_outcome_is_an_internal_error() {
        assert_eq!(Outcome::parse("stale").unwrap(), Outcome::Stale);
        for word in ["", "Stale", "200", "lost"] {
            assert_eq!(Outcome::parse(word).unwrap_err().status, 500, "{word}");
        }
    }

    #[test]
    fn outcomes_have_statuses() {
        let status = |word: &str| match Outcome::parse(word).unwrap().status(Some(7), None) {
            Ok(status) => status,
            Err(problem) => problem.status,
        };
        let statuses = Outcome::NAMES.map(|(word, _)| (word, status(word)));
        assert_eq!(
            statuses,
            [
                ("made", 201),
                ("changed", 200),
                ("unchanged", 200),
                ("deleted", 204),
                ("missing", 404),
                ("gone", 401),
                ("taken", 409),
                ("stale", 412),
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

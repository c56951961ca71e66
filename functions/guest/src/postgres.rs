//! Postgres: running single statements and reading their rows.
//!
//! A unit of work is one statement, and a guest sends no transaction control. The connection pool does not roll back a
//! transaction that a guest leaves open, so the next request would run inside it and could lose its writes.
//!
//! Spin passes the SQLSTATE of an error on only if the statement could not be prepared. An error that arrives while the statement
//! runs is text in the server's language. So no statement may depend on such a code: its SQL catches the errors that it expects and
//! returns an outcome. For all other errors, [`Db::query`] asks the server whether its own state is the reason.

use std::time::{Duration, Instant};

pub use spin_sdk::pg4::ParameterValue;
use spin_sdk::pg4::{Connection, DbValue, PgError, QueryError};

use crate::variables::{self, BadSetting};

/// The reason why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// There is no connection or it was lost. Whether the statement ran is unknown.
    #[error("Postgres is unreachable: {0}")]
    Unreachable(String),
    /// Postgres returned an error with its code, because it could not prepare the statement.
    #[error("Postgres rejected the statement: {message} (SQLSTATE {code})")]
    Refused { code: String, message: String },
    /// The statement began and was rolled back, because the server is read-only, stops, or ran into a time limit.
    #[error("Postgres interrupted the statement: {0}")]
    Interrupted(String),
    /// The statement began and was rolled back because of an error in it, in its parameters or in the data.
    #[error("the statement failed: {0}")]
    Failed(String),
    /// The columns are not those that the code expects, the parameters are not those of the statement, or the result is larger
    /// than Spin accepts.
    #[error("unexpected result from Postgres: {0}")]
    Shape(String),
}

impl DbError {
    /// Whether the same statement may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Interrupted(_) => true,
            // Classes: connection exception, insufficient resources, operator intervention (also a statement timeout) and
            // system error. Codes: serialization failure, deadlock, lock not available, and read-only transaction, which
            // a server in recovery returns.
            Self::Refused { code, .. } => {
                ["08", "53", "57", "58"]
                    .iter()
                    .any(|class| code.starts_with(class))
                    || matches!(code.as_str(), "40001" | "40P01" | "55P03" | "25006")
            }
            Self::Setting(_) | Self::Failed(_) | Self::Shape(_) => false,
        }
    }

    /// The five-character error code; `None` if Postgres returned no error, or returned it while the statement ran.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Setting(_)
            | Self::Unreachable(_)
            | Self::Interrupted(_)
            | Self::Failed(_)
            | Self::Shape(_) => None,
        }
    }
}

/// How the text of an error of the server begins. Its message follows, in the server's language.
const OF_SERVER: &str = "db error";
/// How the text of other errors of Spin's client begins that would occur each time: parameters that the statement does not have, and
/// a result that Spin cannot pass on.
const OF_CLIENT: [&str; 5] = [
    "Error { kind: ToSql",
    "Error { kind: Parameters",
    "error deserializing column",
    "invalid JSON",
    "query result exceeds limit",
];

impl From<PgError> for DbError {
    fn from(error: PgError) -> Self {
        match error {
            PgError::QueryFailed(QueryError::DbError(refusal)) => Self::Refused {
                code: refusal.code,
                message: refusal.message,
            },
            PgError::QueryFailed(QueryError::Text(text)) if text.starts_with(OF_SERVER) => {
                Self::Failed(text)
            }
            PgError::QueryFailed(QueryError::Text(text))
                if OF_CLIENT.iter().any(|begin| text.starts_with(begin)) =>
            {
                Self::Shape(text)
            }
            PgError::ConnectionFailed(text)
            | PgError::QueryFailed(QueryError::Text(text))
            | PgError::Other(text) => Self::Unreachable(text),
            PgError::BadParameter(text) | PgError::ValueConversionFailed(text) => Self::Shape(text),
        }
    }
}

/// A connection from the host's pool, which dropping it returns. Hold one at a time and not during computations, because the
/// pool is small.
pub struct Db(Connection);

impl Db {
    /// Takes a connection to the server in the setting `database_url`.
    pub fn open() -> Result<Self, DbError> {
        let url = variables::get("database_url")?;
        Ok(Self(Connection::open(&url)?))
    }

    /// Takes a connection that does not wait for those of [`Self::open`]: the host has a pool for each URL.
    pub fn open_apart(application: &str) -> Result<Self, DbError> {
        let url = variables::get("database_url")?;
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{separator}application_name={application}");
        Ok(Self(Connection::open(&url)?))
    }

    /// Runs one statement and returns its rows.
    pub fn query(&self, sql: &str, parameters: &[ParameterValue]) -> Result<Vec<Row>, DbError> {
        let started = Instant::now();
        match self.0.query(sql, parameters).map_err(DbError::from) {
            Ok(answer) => Ok(answer.rows.into_iter().map(Row).collect()),
            Err(DbError::Failed(error)) if self.is_interrupted(started.elapsed()) => {
                Err(DbError::Interrupted(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the server's state explains the error of a statement that ran this long. If the server does not answer, it does.
    fn is_interrupted(&self, elapsed: Duration) -> bool {
        let elapsed = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let statement = include_str!("postgres/interrupted.sql");
        let answer = self
            .0
            .query(statement, &[ParameterValue::Int64(elapsed)])
            .map_err(DbError::from);
        let row = answer.and_then(|answer| {
            let row = answer.rows.into_iter().next().map(Row);
            row.ok_or_else(|| DbError::Shape("no row".to_owned()))?
                .bool(0)
        });
        row.unwrap_or(true)
    }

    /// Runs one statement and returns its first row, if there is one.
    pub fn query_opt(
        &self,
        sql: &str,
        parameters: &[ParameterValue],
    ) -> Result<Option<Row>, DbError> {
        Ok(self.query(sql, parameters)?.into_iter().next())
    }

    /// Runs one statement that always returns a row.
    pub fn query_one(&self, sql: &str, parameters: &[ParameterValue]) -> Result<Row, DbError> {
        self.query_opt(sql, parameters)?
            .ok_or_else(|| DbError::Shape("no row".to_owned()))
    }
}

/// One row. Columns are read by position, in the order of the header of the statement. Each column can be read once.
pub struct Row(Vec<DbValue>);

impl Row {
    fn take(&mut self, column: usize) -> Result<DbValue, DbError> {
        self.0
            .get_mut(column)
            .map(|value| std::mem::replace(value, DbValue::DbNull))
            .ok_or_else(|| DbError::Shape(format!("no column {column}")))
    }

    /// A text column; `None` for null.
    pub fn text_or_null(&mut self, column: usize) -> Result<Option<String>, DbError> {
        match self.take(column)? {
            DbValue::Str(text) => Ok(Some(text)),
            DbValue::DbNull => Ok(None),
            other => Err(mismatch(column, "text", &other)),
        }
    }

    /// A text column; null is an error.
    pub fn text(&mut self, column: usize) -> Result<String, DbError> {
        self.text_or_null(column)?
            .ok_or_else(|| mismatch(column, "text", &DbValue::DbNull))
    }

    /// Removes the last column, which is a text.
    pub fn last(&mut self) -> Result<String, DbError> {
        let column = self.0.len().saturating_sub(1);
        let text = self.text(column);
        self.0.pop();
        text
    }

    /// Removes the last column, which is a boolean.
    pub fn last_bool(&mut self) -> Result<bool, DbError> {
        let column = self.0.len().saturating_sub(1);
        let truth = self.bool(column);
        self.0.pop();
        truth
    }

    /// An integer column of any width; `None` for null.
    pub fn int_or_null(&mut self, column: usize) -> Result<Option<i64>, DbError> {
        match self.take(column)? {
            DbValue::Int16(number) => Ok(Some(number.into())),
            DbValue::Int32(number) => Ok(Some(number.into())),
            DbValue::Int64(number) => Ok(Some(number)),
            DbValue::DbNull => Ok(None),
            other => Err(mismatch(column, "an integer", &other)),
        }
    }

    /// An integer column of any width; null is an error.
    pub fn int(&mut self, column: usize) -> Result<i64, DbError> {
        self.int_or_null(column)?
            .ok_or_else(|| mismatch(column, "an integer", &DbValue::DbNull))
    }

    /// A boolean column; null is an error.
    pub fn bool(&mut self, column: usize) -> Result<bool, DbError> {
        match self.take(column)? {
            DbValue::Boolean(truth) => Ok(truth),
            other => Err(mismatch(column, "a boolean", &other)),
        }
    }
}

fn mismatch(column: usize, expected: &str, found: &DbValue) -> DbError {
    let found = match found {
        DbValue::DbNull => "null",
        DbValue::Str(_) => "text",
        DbValue::Boolean(_) => "a boolean",
        DbValue::Int8(_) | DbValue::Int16(_) | DbValue::Int32(_) | DbValue::Int64(_) => {
            "an integer"
        }
        _ => "another type",
    };
    DbError::Shape(format!("column {column} is {found}, not {expected}"))
}

/// A text parameter. The statement casts it to other types, for example `$1::text::uuid`.
pub fn text(value: impl Into<String>) -> ParameterValue {
    ParameterValue::Str(value.into())
}

/// A text parameter that may be null.
pub fn text_or_null(value: Option<impl Into<String>>) -> ParameterValue {
    value.map_or(ParameterValue::DbNull, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_text(text: &str) -> DbError {
        PgError::QueryFailed(QueryError::Text(text.to_owned())).into()
    }

    #[test]
    fn a_server_error_is_told_from_a_lost_connection() {
        for text in [
            "db error: ERROR: duplicate key value\n\nCaused by:\n    ERROR: duplicate key value",
            "db error: FEHLER: doppelter Schlüsselwert",
            "db error\n\nCaused by:\n    ERROR: duplicate key value",
        ] {
            let error = of_text(text);
            assert!(
                matches!(error, DbError::Failed(_)) && !error.is_transient(),
                "{text}"
            );
        }
        for text in [
            "connection closed",
            "error communicating with the server: Connection reset by peer (os error 104)",
            "Error { kind: Closed, cause: None }",
        ] {
            let error = of_text(text);
            assert!(
                matches!(error, DbError::Unreachable(_)) && error.is_transient(),
                "{text}"
            );
        }
        for text in [
            "query result exceeds limit of 134217728 bytes",
            "error deserializing column 0: cannot convert",
            "Error { kind: Parameters(1, 2), cause: None }",
        ] {
            let error = of_text(text);
            assert!(
                matches!(error, DbError::Shape(_)) && !error.is_transient(),
                "{text}"
            );
        }
    }
}

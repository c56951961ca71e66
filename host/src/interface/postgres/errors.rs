//! Errors of Postgres as functions see them: some with the fields of the server's error, others as text alone.

use std::error::Error as StdError;
use std::fmt;

use tokio_postgres::error::DbError as ServerError;

use crate::wit::postgres4::{DbError, Error, QueryError};

/// An error with the fields of the server's error, if the server returned one.
pub fn query_failed(error: &tokio_postgres::Error) -> Error {
    let as_text = format!("{error:?}");
    Error::QueryFailed(match error.as_db_error() {
        None => QueryError::Text(as_text),
        Some(error) => QueryError::DbError(DbError {
            as_text,
            severity: error.severity().to_owned(),
            code: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            extras: extras(error),
        }),
    })
}

/// The other fields of a server error, under the names that Spin gives them.
fn extras(error: &ServerError) -> Vec<(String, String)> {
    let line = error.line().map(|line| line.to_string());
    let fields = [
        ("column", error.column()),
        ("constraint", error.constraint()),
        ("routine", error.routine()),
        ("hint", error.hint()),
        ("table", error.table()),
        ("datatype", error.datatype()),
        ("schema", error.schema()),
        ("file", error.file()),
        ("line", line.as_deref()),
        ("where_", error.where_()),
    ];
    let present = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    present.collect()
}

/// An error whose text contains its cause, such as `db error: ERROR: division by zero`.
///
/// Spin's version of the client (tokio-postgres 0.7.12) prints errors so, and functions see the text. Newer versions leave the
/// cause out.
pub fn with_cause(error: tokio_postgres::Error) -> anyhow::Error {
    WithCause(error).into()
}

#[derive(Debug)]
struct WithCause(tokio_postgres::Error);

impl fmt::Display for WithCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match self.0.source() {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl StdError for WithCause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

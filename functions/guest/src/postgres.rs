//! Postgres: one connection, one statement, rows as plain values.
//!
//! A guest sends no transaction control: a connection left inside a transaction would go back to the pool that way and
//! the next request would run, and lose its writes, in there. One unit of work is one statement.

pub use spin_sdk::pg4::ParameterValue;
use spin_sdk::pg4::{Connection, DbValue, PgError, QueryError};

use crate::variables::{self, BadSetting};

/// Why a statement gave no rows that can be used.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// No connection, or it was lost on the way: whether the statement ran is not known.
    #[error("Postgres is not reachable: {0}")]
    Unreachable(String),
    /// Postgres answered with an error, so nothing of the statement is kept.
    #[error("Postgres refused the statement: {message} (SQLSTATE {code})")]
    Refused { code: String, message: String },
    /// The statement and the code that reads its rows do not fit together.
    #[error("unexpected answer from Postgres: {0}")]
    Shape(String),
}

impl DbError {
    /// Whether the same statement may work a moment later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            // Connection trouble, resources, operator intervention (which includes a statement timeout), and what a
            // concurrent transaction or a server that is starting causes.
            Self::Refused { code, .. } => {
                ["08", "53", "57", "58"]
                    .iter()
                    .any(|class| code.starts_with(class))
                    || matches!(code.as_str(), "40001" | "40P01" | "55P03" | "25006")
            }
            Self::Setting(_) | Self::Shape(_) => false,
        }
    }

    /// Whether Postgres found fault with what it was given and not with itself: a value, a constraint, a limit, or what a
    /// function of ours raised (classes 22, 23, 44, 54 and P0 of its manual's appendix A).
    pub fn blames_input(&self) -> bool {
        let classes = ["22", "23", "44", "54", "P0"];
        self.sqlstate()
            .is_some_and(|code| classes.iter().any(|class| code.starts_with(class)))
    }

    /// The five characters that Postgres classifies its refusals with.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Setting(_) | Self::Unreachable(_) | Self::Shape(_) => None,
        }
    }
}

impl From<PgError> for DbError {
    fn from(error: PgError) -> Self {
        match error {
            PgError::QueryFailed(QueryError::DbError(refusal)) => Self::Refused {
                code: refusal.code,
                message: refusal.message,
            },
            PgError::ConnectionFailed(text)
            | PgError::QueryFailed(QueryError::Text(text))
            | PgError::Other(text) => Self::Unreachable(text),
            PgError::BadParameter(text) | PgError::ValueConversionFailed(text) => Self::Shape(text),
        }
    }
}

/// A connection from the host's pool; dropping it gives it back. Hold one at a time, and not while computing.
pub struct Db(Connection);

impl Db {
    /// Takes a connection to the server that the setting `database_url` names.
    pub fn open() -> Result<Self, DbError> {
        let url = variables::get("database_url")?;
        Ok(Self(Connection::open(&url)?))
    }

    /// Runs one statement.
    pub fn query(&self, sql: &str, parameters: &[ParameterValue]) -> Result<Vec<Row>, DbError> {
        let answer = self.0.query(sql, parameters)?;
        Ok(answer.rows.into_iter().map(Row).collect())
    }

    /// Runs one statement and returns its first row, if it gave any.
    pub fn query_opt(
        &self,
        sql: &str,
        parameters: &[ParameterValue],
    ) -> Result<Option<Row>, DbError> {
        Ok(self.query(sql, parameters)?.into_iter().next())
    }

    /// Runs one statement that always gives a row.
    pub fn query_one(&self, sql: &str, parameters: &[ParameterValue]) -> Result<Row, DbError> {
        self.query_opt(sql, parameters)?
            .ok_or_else(|| DbError::Shape("no row".to_owned()))
    }
}

/// One row; columns are taken by position, as the statement beside the caller lists them.
pub struct Row(Vec<DbValue>);

impl Row {
    fn take(&mut self, column: usize) -> Result<DbValue, DbError> {
        self.0
            .get_mut(column)
            .map(|value| std::mem::replace(value, DbValue::DbNull))
            .ok_or_else(|| DbError::Shape(format!("no column {column}")))
    }

    /// A text column, moved out of the row, or `None` for null.
    pub fn text_or_null(&mut self, column: usize) -> Result<Option<String>, DbError> {
        match self.take(column)? {
            DbValue::Str(text) => Ok(Some(text)),
            DbValue::DbNull => Ok(None),
            other => Err(mismatch(column, "text", &other)),
        }
    }

    pub fn text(&mut self, column: usize) -> Result<String, DbError> {
        self.text_or_null(column)?
            .ok_or_else(|| mismatch(column, "text", &DbValue::DbNull))
    }

    /// A whole number of any width, or `None` for null.
    pub fn int_or_null(&mut self, column: usize) -> Result<Option<i64>, DbError> {
        match self.take(column)? {
            DbValue::Int16(number) => Ok(Some(number.into())),
            DbValue::Int32(number) => Ok(Some(number.into())),
            DbValue::Int64(number) => Ok(Some(number)),
            DbValue::DbNull => Ok(None),
            other => Err(mismatch(column, "a whole number", &other)),
        }
    }

    pub fn int(&mut self, column: usize) -> Result<i64, DbError> {
        self.int_or_null(column)?
            .ok_or_else(|| mismatch(column, "a whole number", &DbValue::DbNull))
    }

    /// A boolean column; null is an error.
    pub fn bool(&mut self, column: usize) -> Result<bool, DbError> {
        match self.take(column)? {
            DbValue::Boolean(truth) => Ok(truth),
            other => Err(mismatch(column, "a boolean", &other)),
        }
    }
}

fn mismatch(column: usize, wanted: &str, found: &DbValue) -> DbError {
    let found = match found {
        DbValue::DbNull => "null",
        DbValue::Str(_) => "text",
        DbValue::Boolean(_) => "a boolean",
        DbValue::Int8(_) | DbValue::Int16(_) | DbValue::Int32(_) | DbValue::Int64(_) => {
            "a whole number"
        }
        _ => "another type",
    };
    DbError::Shape(format!("column {column} is {found}, not {wanted}"))
}

/// A text parameter. The statement casts it where it means something else: `$1::text::uuid`.
pub fn text(value: impl Into<String>) -> ParameterValue {
    ParameterValue::Str(value.into())
}

/// A text parameter that may be null.
pub fn text_or_null(value: Option<impl Into<String>>) -> ParameterValue {
    value.map_or(ParameterValue::DbNull, text)
}

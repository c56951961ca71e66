//! Errors of the native client, by what the person can do about them.

use std::path::Path;
use std::time::Duration;

use client::engine::Refusal;
use client::saved::LoadError;
use rusqlite::ErrorCode;
use serde_json::Value;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum Error {
    /// The engine refuses an operation.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("you are not signed in")]
    NotSignedIn,
    /// The server has ended the session, or the refresh token has expired.
    #[error("the session has ended")]
    SessionEnded,
    #[error("this folder has the tasks of {email} at {server}")]
    OtherAccount { email: String, server: url::Url },
    /// No answer came. If there was a connection, the request may have been served.
    #[error("the server {server} cannot be reached: {cause}")]
    Unreachable {
        server: String,
        cause: String,
        connected: bool,
    },
    /// The server is there, and works for nobody or for us not now.
    #[error("the server is busy; it asks to come back in {} s", after.as_secs().max(1))]
    Busy { after: Duration },
    /// The server refuses a request.
    #[error("{}", describe(*status, problem))]
    Problem { status: u16, problem: Value },
    /// An answer that is not one of Spindle's.
    #[error("{server} does not answer as Spindle does ({detail}); is the address right?")]
    NotSpindle { server: String, detail: String },
    #[error("another process of yours is using {what}, and did not finish in time")]
    Locked { what: &'static str },
    #[error("the local copy cannot be read: {0}")]
    Saved(#[from] LoadError),
    #[error("the local copy fails: {0}")]
    Store(rusqlite::Error),
    #[error("{what}: {cause}")]
    File { what: String, cause: std::io::Error },
    #[error("{0} is not the address of a server; it is like https://tasks.example.org")]
    Address(String),
    #[error("this is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked {
                what: "the local copy",
            },
            _ => Self::Store(error),
        }
    }
}

impl Error {
    /// What did not succeed with a file.
    pub fn file(doing: &str, path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |cause| Self::File {
            what: format!("{doing} {}", path.display()),
            cause,
        }
    }

    /// Whether the same may succeed later without anybody doing anything.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Busy { .. } | Self::Locked { .. } => true,
            // 409: others change the same descriptions too often.
            Self::Problem { status, .. } => *status >= 500 || matches!(status, 408 | 409),
            Self::Refused(_)
            | Self::NotSignedIn
            | Self::SessionEnded
            | Self::OtherAccount { .. }
            | Self::NotSpindle { .. }
            | Self::Saved(_)
            | Self::Store(_)
            | Self::File { .. }
            | Self::Address(_)
            | Self::Json(_) => false,
        }
    }
}

/// What a problem document says: each fault with the member that it is about, or else the detail.
pub fn describe(status: u16, problem: &Value) -> String {
    let text = |value: &Value, name: &str| {
        let found = value.get(name).and_then(Value::as_str);
        found.map(str::to_owned)
    };
    let faults = problem.get("errors").and_then(Value::as_array);
    let faults: Vec<String> = faults
        .into_iter()
        .flatten()
        .filter_map(|fault| {
            let pointer = text(fault, "pointer")?;
            // What a person has set is a field of an operation.
            let member = pointer
                .rsplit_once("/fields/")
                .map_or(pointer.as_str(), |(_, member)| member);
            Some(format!(
                "{} {}",
                member.trim_start_matches('/'),
                text(fault, "detail")?
            ))
        })
        .collect();
    if !faults.is_empty() {
        return faults.join("; ");
    }
    let detail = text(problem, "detail").or_else(|| text(problem, "title"));
    detail.unwrap_or_else(|| format!("the server answers with status {status}"))
}

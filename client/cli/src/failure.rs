//! Failures, as a person and a script see them: a message, what to do about it, and the exit code.

use client_native::error::Error;
use serde_json::{Value, json};

/// What a script can tell failures apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 1: it cannot be done.
    Refused,
    /// 2: the arguments are wrong.
    Usage,
    /// 3: nobody is signed in, or not any more.
    NotSignedIn,
    /// 4: the server is needed and cannot be reached.
    Offline,
}

impl Kind {
    pub fn code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::NotSignedIn => 3,
            Self::Offline => 4,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Usage => "usage",
            Self::NotSignedIn => "not_signed_in",
            Self::Offline => "offline",
        }
    }
}

#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn to_json(&self) -> Value {
        json!({"error": {"code": self.kind.name(), "message": self.message, "hint": self.hint}})
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::NotSignedIn | Error::SessionEnded => Kind::NotSignedIn,
            Error::Problem { status: 401, .. } => Kind::NotSignedIn,
            Error::Unreachable { .. } | Error::Busy { .. } => Kind::Offline,
            Error::Address(_) => Kind::Usage,
            Error::Refused(_)
            | Error::OtherAccount { .. }
            | Error::Problem { .. }
            | Error::NotSpindle { .. }
            | Error::Locked { .. }
            | Error::Saved(_)
            | Error::Store(_)
            | Error::File { .. }
            | Error::Json(_) => Kind::Refused,
        };
        let hint = match &error {
            Error::NotSignedIn => Some("sign in with `spindle login SERVER`"),
            Error::SessionEnded => {
                Some("sign in again with `spindle login`; what waits here is sent then")
            }
            Error::OtherAccount { .. } => {
                Some("run `spindle logout` first, or name another folder with --home")
            }
            Error::Unreachable { .. } => Some("check the connection, and run the command again"),
            Error::Saved(_) => {
                Some("install a newer version of spindle, or name another folder with --home")
            }
            _ => None,
        };
        let failure = Self::new(kind, error.to_string());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

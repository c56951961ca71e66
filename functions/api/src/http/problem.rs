//! Problems: every answer that is not what was asked for, as RFC 9457 `application/problem+json`.

use std::fmt::Display;

use domain::json::Fault;
use guest::postgres::DbError;
use guest::variables::BadSetting;
use serde_json::{Value, json};

/// An error answer under construction.
#[derive(Debug)]
pub struct Problem {
    pub status: u16,
    /// The last part of `type`; stable, clients branch on it.
    slug: &'static str,
    title: &'static str,
    detail: Box<str>,
    faults: Vec<Fault>,
    pub headers: Vec<(&'static str, String)>,
    /// Whether what went wrong stays wrong until somebody repairs it.
    pub needs_a_person: bool,
    /// What went wrong on our side: logged, never shown.
    pub cause: Option<Box<str>>,
}

impl Problem {
    fn new(
        status: u16,
        slug: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            slug,
            title,
            detail: detail.into().into(),
            faults: Vec::new(),
            headers: Vec::new(),
            cause: None,
            needs_a_person: false,
        }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "bad-request", "The request cannot be read", detail)
    }

    pub fn malformed_json(detail: impl Into<String>) -> Self {
        Self::new(400, "malformed-json", "The body is not JSON", detail)
    }

    /// No token, or one that does not hold; `challenge` is what follows `Bearer` in `WWW-Authenticate` (RFC 6750).
    pub fn unauthorized(detail: impl Into<String>, challenge: &str) -> Self {
        let challenge = if challenge.is_empty() {
            "Bearer".to_owned()
        } else {
            format!("Bearer {challenge}")
        };
        Self::new(401, "unauthorized", "Sign in first", detail)
            .header("www-authenticate", challenge)
    }

    /// A wrong email or password; the same for an unknown account.
    pub fn wrong_credentials() -> Self {
        Self::new(
            401,
            "wrong-credentials",
            "Email or password is wrong",
            "no account has this email and password",
        )
        .header("www-authenticate", "Bearer")
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "Not allowed", detail)
    }

    /// Nothing there, or nothing that this caller may know of.
    pub fn not_found() -> Self {
        Self::new(
            404,
            "not-found",
            "Not found",
            "there is nothing here that you can see",
        )
    }

    pub fn method_not_allowed(allow: &str) -> Self {
        Self::new(
            405,
            "method-not-allowed",
            "Not with this method",
            format!("allowed here: {allow}"),
        )
        .header("allow", allow)
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "conflict", "In conflict with what is there", detail)
    }

    /// Ids are used once, also by somebody else.
    pub fn id_taken() -> Self {
        Self::conflict("there is or was a task with this id")
    }

    /// An operation of an atomic batch cannot be done, so nothing was: `faults` names each that is known to be at fault.
    pub fn batch_aborted(status: u16, faults: Vec<Fault>) -> Self {
        Self {
            faults,
            ..Self::new(
                status,
                "batch-aborted",
                "Nothing of the batch was done",
                "it is atomic, and not all of its operations can be done",
            )
        }
    }

    /// `If-Match` names another version than the current one.
    pub fn stale(version: impl Display) -> Self {
        Self::new(
            412,
            "stale",
            "Changed in the meantime",
            format!("the current version is {version}"),
        )
        .header("etag", format!("\"{version}\""))
    }

    /// `limit` in bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            413,
            "too-large",
            "The body is too large",
            format!("a body may have up to {} KiB here", limit / 1024),
        )
    }

    pub fn media_type() -> Self {
        Self::new(
            415,
            "media-type",
            "Not this media type",
            "send application/json",
        )
    }

    pub fn invalid(faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [fault] if fault.pointer.is_empty() => format!("the body {}", fault.detail),
            [fault] => format!("{} {}", fault.pointer, fault.detail),
            faults => format!("{} places are wrong", faults.len()),
        };
        Self {
            faults,
            ..Self::new(422, "invalid", "Something in it is not valid", detail)
        }
    }

    /// A rate is spent for now (RFC 6585, section 4).
    pub fn rate_limited(policy: &str, requests: u32, seconds: u32, wait: u64) -> Self {
        let detail = format!(
            "the rate `{policy}` allows {requests} requests in {seconds} s; try again in {wait} s"
        );
        Self::new(429, "rate-limited", "Too many requests", detail)
            .header("retry-after", wait.to_string())
    }

    /// As many passwords are being checked as this process can.
    pub fn too_many_hashes() -> Self {
        let detail = "many are signing in just now; try again in a moment";
        Self::new(503, "overloaded", "Too busy right now", detail).header("retry-after", "1")
    }

    pub fn not_an_admin() -> Self {
        Self::forbidden("only admins manage users")
    }

    pub fn key_reused() -> Self {
        Self::new(
            422,
            "idempotency-key-reused",
            "This Idempotency-Key belongs to another request",
            "the key was used within 24 hours with another body or for another resource",
        )
    }

    /// Something that we need is away; the same request may work later.
    pub fn unavailable(detail: impl Into<String>, cause: impl Into<String>) -> Self {
        let problem = Self::new(503, "unavailable", "Not available right now", detail)
            .header("retry-after", "1");
        Self {
            cause: Some(cause.into().into()),
            ..problem
        }
    }

    /// The token holds, its account is no more.
    pub fn account_gone() -> Self {
        Self::unauthorized("the account is gone", "error=\"invalid_token\"")
    }

    /// Something of ours does not fit together.
    pub fn inconsistent(cause: impl Into<String>) -> Self {
        let problem = Self::new(
            500,
            "internal",
            "Something is wrong on our side",
            "it has been logged",
        );
        Self {
            cause: Some(cause.into().into()),
            needs_a_person: true,
            ..problem
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body; `instance` is the path that was asked for.
    pub fn to_json(&self, instance: &str) -> String {
        let mut body = json!({
            // A name, not an address: it stays the same wherever the API is served.
            "type": format!("urn:spindle:problems/{}", self.slug),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        });
        if !self.faults.is_empty()
            && let Value::Object(members) = &mut body
        {
            let faults = self
                .faults
                .iter()
                .map(|fault| json!({ "pointer": fault.pointer, "detail": fault.detail }));
            members.insert("errors".to_owned(), faults.collect());
        }
        body.to_string()
    }
}

impl From<Vec<Fault>> for Problem {
    fn from(faults: Vec<Fault>) -> Self {
        Self::invalid(faults)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::invalid(vec![fault])
    }
}

impl From<BadSetting> for Problem {
    fn from(error: BadSetting) -> Self {
        let detail = format!("the setting `{}` is missing or wrong", error.name);
        Self {
            needs_a_person: true,
            ..Self::unavailable(detail, error.to_string())
        }
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        let cause = error.to_string();
        match error {
            DbError::Setting(setting) => setting.into(),
            other if other.is_transient() => {
                Self::unavailable("the database does not answer in time", cause)
            }
            DbError::Unreachable(_) | DbError::Refused { .. } | DbError::Shape(_) => {
                Self::inconsistent(cause)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_carries_its_faults() {
        let problem = Problem::invalid(vec![
            Fault::new("/title", "is required"),
            Fault::new("/x", "is unknown"),
        ]);
        let body: Value = serde_json::from_str(&problem.to_json("/api/tasks")).unwrap();
        assert_eq!(body["status"], 422);
        assert_eq!(body["instance"], "/api/tasks");
        assert_eq!(body["errors"][0]["pointer"], "/title");
    }

    #[test]
    fn what_went_wrong_inside_is_not_shown() {
        let refused = DbError::Refused {
            code: "XX000".to_owned(),
            message: "secret".to_owned(),
        };
        let problem = Problem::from(refused);
        assert_eq!(problem.status, 500);
        assert!(!problem.to_json("/").contains("secret"));
        let timeout = DbError::Refused {
            code: "57014".to_owned(),
            message: "statement timeout".to_owned(),
        };
        assert_eq!(Problem::from(timeout).status, 503);
    }
}

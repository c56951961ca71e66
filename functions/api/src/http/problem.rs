//! Problems: error responses as `application/problem+json` (RFC 9457). There is one constructor for each kind.

use std::fmt::Display;

use domain::json::Fault;
use guest::postgres::DbError;
use guest::variables::BadSetting;
use serde_json::{Value, json};

/// The header of a kept answer to an earlier request with the same Idempotency-Key.
pub const REPLAYED: &str = "idempotency-replayed";

/// An error response.
#[derive(Debug)]
pub struct Problem {
    pub status: u16,
    /// The last part of `type`. Clients branch on it, so it never changes.
    slug: &'static str,
    /// The kind of problem; the same text for all problems of a type.
    title: &'static str,
    /// What is wrong with this request.
    detail: Box<str>,
    /// The invalid parts of the request; the member `errors`.
    faults: Vec<Fault>,
    pub headers: Vec<(&'static str, String)>,
    /// Whether the error persists until an operator acts. It decides the log level.
    pub needs_operator: bool,
    /// The error on the server's side. It is logged and never sent to the client.
    pub cause: Option<Box<str>>,
}

impl Problem {
    /// `slug` is the last part of the problem's type; a new one is described in `openapi/problems.json`.
    pub fn new(
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
            needs_operator: false,
        }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "bad-request", "Malformed request", detail)
    }

    pub fn malformed_json(detail: impl Into<String>) -> Self {
        Self::new(400, "malformed-json", "The body is not valid JSON", detail)
    }

    /// No access token, or an invalid one. `challenge` follows `Bearer` in `WWW-Authenticate` (RFC 6750, section 3).
    pub fn unauthorized(detail: impl Into<String>, challenge: &str) -> Self {
        let challenge = if challenge.is_empty() {
            "Bearer".to_owned()
        } else {
            format!("Bearer {challenge}")
        };
        Self::new(401, "unauthorized", "Authentication required", detail)
            .header("www-authenticate", challenge)
    }

    /// A wrong password or an unknown email. The response is the same, so it does not tell whether an account exists.
    pub fn wrong_credentials() -> Self {
        Self::new(
            401,
            "wrong-credentials",
            "Wrong email or password",
            "no account has this email and password",
        )
        .header("www-authenticate", "Bearer")
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "Forbidden", detail)
    }

    /// The resource does not exist, or the caller may not know that it exists.
    pub fn not_found() -> Self {
        Self::new(
            404,
            "not-found",
            "Not found",
            "the resource does not exist or is not visible to you",
        )
    }

    pub fn method_not_allowed(allow: &str) -> Self {
        Self::new(
            405,
            "method-not-allowed",
            "Method not allowed",
            format!("allowed methods: {allow}"),
        )
        .header("allow", allow)
    }

    /// The body came too slowly.
    pub fn slow_body() -> Self {
        Self::new(
            408,
            "slow-body",
            "The body came too slowly",
            "send the first byte of the body within 10 s and then at least 8 KiB per second",
        )
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "conflict", "Conflict with the current state", detail)
    }

    /// The id of a new task is in use. Ids are unique among the tasks of all users.
    pub fn id_taken() -> Self {
        Self::conflict("another task has or had this id")
    }

    /// An operation of an atomic batch was invalid or refused, so none was applied. `faults` points at these operations.
    pub fn batch_aborted(status: u16, faults: Vec<Fault>) -> Self {
        Self {
            faults,
            ..Self::new(
                status,
                "batch-aborted",
                "The batch was not applied",
                "the batch is atomic, and at least one of its operations failed",
            )
        }
    }

    /// The task was deleted and can be restored. `deleted_at` is in RFC 3339.
    pub fn deleted(deleted_at: &str) -> Self {
        let detail =
            format!("the task was deleted at {deleted_at} and can be restored for 30 days");
        Self::new(410, "deleted", "The task was deleted", detail)
    }

    /// `If-Match` does not accept the current version.
    pub fn stale(version: impl Display) -> Self {
        Self::new(
            412,
            "stale",
            "The version has changed",
            format!("the current version is {version}"),
        )
        .header("etag", format!("\"{version}\""))
    }

    /// The body has more than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            413,
            "too-large",
            "The body is too large",
            format!(
                "the body of this request may have up to {} KiB",
                limit / 1024
            ),
        )
    }

    /// The media type of the body is not accepted.
    pub fn media_type() -> Self {
        Self::new(
            415,
            "media-type",
            "Unsupported media type",
            "send `Content-Type: application/json`",
        )
    }

    /// The body is compressed.
    pub fn content_encoding() -> Self {
        Self::new(
            415,
            "media-type",
            "Unsupported media type",
            "send the body without `Content-Encoding`",
        )
        .header("accept-encoding", "identity")
    }

    /// Parts of the body or the query are invalid.
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [fault] if fault.pointer.is_empty() => format!("the body {}", fault.detail),
            [fault] => format!("{} {}", fault.pointer, fault.detail),
            faults => format!(
                "{} parts of the request are invalid, see `errors`",
                faults.len()
            ),
        };
        Self {
            faults,
            ..Self::new(422, "invalid", "The request is invalid", detail)
        }
    }

    /// A rate limit is exceeded (RFC 6585, section 4). `wait` is in seconds.
    pub fn rate_limited(policy: &str, requests: u32, seconds: u32, wait: u64) -> Self {
        let detail = format!(
            "the rate limit `{policy}` is {requests} requests per {seconds} s; retry in {wait} s"
        );
        Self::new(429, "rate-limited", "Too many requests", detail)
            .header("retry-after", wait.to_string())
    }

    /// As many requests of the caller as may run at once do so already.
    pub fn too_many_at_once(slots: u32) -> Self {
        let detail = format!("{slots} requests of yours are running; send fewer at once");
        Self::new(429, "busy", "Too many requests at once", detail).header("retry-after", "1")
    }

    /// All slots for password hashing of this process are in use.
    pub fn too_many_hashes() -> Self {
        let detail = "too many passwords are being checked at the moment";
        Self::new(503, "overloaded", "Overloaded", detail).header("retry-after", "1")
    }

    /// The caller is not an admin.
    pub fn not_an_admin() -> Self {
        Self::forbidden("only admins may manage users")
    }

    /// The Idempotency-Key was used for another request.
    pub fn key_reused() -> Self {
        Self::new(
            422,
            "idempotency-key-reused",
            "This Idempotency-Key belongs to another request",
            "the key was used in the last 24 hours with another body or path",
        )
    }

    /// A dependency is unavailable, so the same request may succeed later. `cause` is logged.
    pub fn unavailable(detail: impl Into<String>, cause: impl Into<String>) -> Self {
        let problem = Self::new(503, "unavailable", "Temporarily unavailable", detail)
            .header("retry-after", "1");
        Self {
            cause: Some(cause.into().into()),
            ..problem
        }
    }

    /// The token is valid, but its account was deleted.
    pub fn account_gone() -> Self {
        Self::unauthorized("the account was deleted", "error=\"invalid_token\"")
    }

    /// An error of the program or its data. `cause` is logged.
    pub fn internal(cause: impl Into<String>) -> Self {
        let problem = Self::new(
            500,
            "internal",
            "Internal error",
            "the error was logged with this response's correlation id",
        );
        Self {
            cause: Some(cause.into().into()),
            needs_operator: true,
            ..problem
        }
    }

    /// Marks the kept refusal of an earlier request with the same Idempotency-Key.
    pub fn replayed(self, replayed: bool) -> Self {
        if replayed {
            self.header(REPLAYED, "true")
        } else {
            self
        }
    }

    /// Adds a header; the name is in lower case.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What is wrong with this request.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body. `instance` is the path of the request.
    pub fn to_json(&self, instance: &str) -> String {
        let mut body = json!({
            // A URN and not a URL, so that it does not depend on where the API is served.
            "type": format!("urn:spindle:problems/{}", self.slug),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        });
        if let Value::Object(members) = &mut body {
            if !self.faults.is_empty() {
                let faults = self
                    .faults
                    .iter()
                    .map(|fault| json!({ "pointer": fault.pointer, "detail": fault.detail }));
                members.insert("errors".to_owned(), faults.collect());
            }
            // One more member (RFC 9457, section 3.2). The path of the request is that of the task.
            if self.status == 410 {
                let restore = format!("{}/restore", instance.trim_end_matches('/'));
                members.insert("restore".to_owned(), json!(restore));
            }
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
        let detail = format!("the setting `{}` is missing or invalid", error.name);
        Self {
            needs_operator: true,
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
                Self::unavailable("the database is temporarily unavailable", cause)
            }
            DbError::Unreachable(_)
            | DbError::Refused { .. }
            | DbError::Interrupted(_)
            | DbError::Failed(_)
            | DbError::Shape(_) => Self::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_lists_its_faults() {
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
    fn the_cause_is_not_sent_to_the_client() {
        let refused = |code: &str| DbError::Refused {
            code: code.to_owned(),
            message: "secret".to_owned(),
        };
        for (error, status) in [
            (refused("42703"), 500),
            (refused("57014"), 503),
            (DbError::Failed("secret".to_owned()), 500),
            (DbError::Interrupted("secret".to_owned()), 503),
            (DbError::Unreachable("secret".to_owned()), 503),
            (DbError::Shape("secret".to_owned()), 500),
        ] {
            let problem = Problem::from(error);
            assert_eq!(problem.status, status, "{problem:?}");
            assert_eq!(problem.needs_operator, status == 500, "{problem:?}");
            assert!(!problem.to_json("/").contains("secret"));
            let retry = problem
                .headers
                .iter()
                .any(|(name, _)| *name == "retry-after");
            assert_eq!(retry, status == 503, "{problem:?}");
        }
    }
}

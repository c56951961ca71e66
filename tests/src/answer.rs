//! What came back for a request, and what a test may ask of it.

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// # Errors
    /// Where the status is another one.
    pub fn expect(self, status: u16) -> Result<Self> {
        let body = String::from_utf8_lossy(&self.body);
        ensure!(
            self.status.as_u16() == status,
            "{}: expected {status}, got {}: {body}",
            self.path,
            self.status
        );
        Ok(self)
    }

    /// # Errors
    /// Where the body is not JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| {
            format!(
                "{}: {} {}",
                self.path,
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The problem document of a refusal, complete and in its own media type (RFC 9457).
    ///
    /// # Errors
    /// Where the status is another one or the problem is not complete.
    pub fn problem(self, status: u16) -> Result<Value> {
        let answer = self.expect(status)?;
        let kind = answer.header("content-type").unwrap_or_default();
        ensure!(
            kind.starts_with("application/problem+json"),
            "{}: a problem of type {kind:?}",
            answer.path
        );
        let problem = answer.json()?;
        for member in ["type", "title", "detail", "instance"] {
            ensure!(
                problem[member].is_string(),
                "{}: the problem has no {member}: {problem}",
                answer.path
            );
        }
        ensure!(
            problem["status"] == status,
            "{}: the problem's status differs: {problem}",
            answer.path
        );
        Ok(problem)
    }
}

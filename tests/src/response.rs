//! A response of the API, with the checks that most tests make on it.

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// A complete response, and the path that was requested.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Response {
    /// Returns the response if it has this status.
    ///
    /// # Errors
    /// The status differs; the error shows the body.
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

    /// The body as JSON.
    ///
    /// # Errors
    /// The body is not JSON.
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

    /// The first value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The problem document of an error response (RFC 9457), which must be complete and have its own media type.
    ///
    /// # Errors
    /// The status or the media type differs, or the problem lacks a member.
    pub fn problem(self, status: u16) -> Result<Value> {
        let response = self.expect(status)?;
        let media_type = response.header("content-type").unwrap_or_default();
        ensure!(
            media_type.starts_with("application/problem+json"),
            "{}: the problem's media type is {media_type:?}",
            response.path
        );
        let problem = response.json()?;
        for member in ["type", "title", "detail", "instance"] {
            ensure!(
                problem[member].is_string(),
                "{}: the problem has no {member}: {problem}",
                response.path
            );
        }
        ensure!(
            problem["status"] == status,
            "{}: the problem's status is not {status}: {problem}",
            response.path
        );
        Ok(problem)
    }
}

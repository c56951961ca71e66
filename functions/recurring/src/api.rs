//! The API, as this agent uses it: two operations, with a service token.

use std::time::{Duration, Instant};

use domain::keys::Keys;
use domain::recurrence::{Made, Standing};
use guest::frames::CannotWork;
use guest::http::{Exchange, HttpError, Response};
use guest::service_token::{self, AgentName};
use guest::variables::{self, BadSetting};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rounds::{Item, MOST};

/// How long the work on one message may take. After that the bridge takes the lane for deaf (`deaf_after` in bridge/src/groups.rs).
const LIMIT: Duration = Duration::from_secs(10);

/// Why a request to the API failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error(transparent)]
    Setting(#[from] BadSetting),
    #[error("the service token could not be signed: {0}")]
    Sign(jsonwebtoken::errors::Error),
    #[error("the request could not be written: {0}")]
    Print(serde_json::Error),
    #[error("the API cannot be reached: {0}")]
    Unreachable(#[from] HttpError),
    /// It cannot work now, or it does not accept this agent.
    #[error("the API answered {0}: {1}")]
    Unable(u16, String),
    /// The reason may lie in what was asked.
    #[error("{0}")]
    Refused(String),
    #[error("the API gave an answer that cannot be understood: {0}")]
    Answer(String),
}

impl CannotWork for ApiError {
    fn code(&self) -> String {
        match self {
            Self::Setting(_) | Self::Sign(_) => "settings".to_owned(),
            Self::Print(_) | Self::Answer(_) | Self::Refused(_) => "answer".to_owned(),
            Self::Unreachable(_) => "unreachable".to_owned(),
            Self::Unable(status, _) => format!("http-{status}"),
        }
    }
}

/// A client of the API, for the work on one message.
pub struct Api {
    url: String,
    authorization: String,
    deadline: Instant,
}

impl Api {
    /// Reads the settings and signs a token, which lives longer than the work on a message may take.
    ///
    /// # Errors
    /// Missing or invalid settings.
    pub fn open() -> Result<Self, ApiError> {
        let keys = variables::get("service_keys")?;
        let keys = Keys::parse(&keys, variables::get("token_issuer")?)
            .map_err(|reason| BadSetting::new("service_keys", reason))?;
        let now = jsonwebtoken::get_current_timestamp();
        let token = service_token::sign(AgentName::Recurring, Uuid::new_v4(), now, &keys)
            .map_err(ApiError::Sign)?;
        Ok(Self {
            url: variables::get("api_url")?.trim_end_matches('/').to_owned(),
            authorization: format!("Bearer {token}"),
            deadline: Instant::now() + LIMIT,
        })
    }

    /// Makes occurrences, at most [`MOST`].
    ///
    /// # Errors
    /// No occurrence has a result. Some may have been made nevertheless.
    pub fn make(&self, occurrences: &[Item]) -> Result<Vec<Made>, ApiError> {
        #[derive(Serialize)]
        struct Body<'a> {
            occurrences: &'a [Item<'a>],
        }
        #[derive(Deserialize)]
        struct Results {
            results: Vec<Made>,
        }
        let body = Body { occurrences };
        let results: Results = understood(&self.post("/api/occurrences", &body)?.finish()?)?;
        Ok(results.results)
    }

    /// Claims series whose next occurrence is missing, at most [`MOST`].
    ///
    /// # Errors
    /// Nothing is known of any series.
    pub fn claim(&self) -> Result<Vec<Standing>, ApiError> {
        self.begin_claim()?.finish()
    }

    /// Asks for a claim, and does not wait for the answer.
    ///
    /// # Errors
    /// The request cannot be sent.
    pub fn begin_claim(&self) -> Result<Claim, ApiError> {
        #[derive(Serialize)]
        struct Body {
            limit: usize,
        }
        let mut exchange = self.post("/api/occurrences/claim", &Body { limit: MOST })?;
        match exchange.advance() {
            None => Ok(Claim::Asked(exchange)),
            Some(response) => Ok(Claim::Answered(response?)),
        }
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Result<Exchange, ApiError> {
        let body = serde_json::to_vec(body).map_err(ApiError::Print)?;
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let url = format!("{}{path}", self.url);
        Ok(Exchange::start(&url, &headers, body, self.deadline)?)
    }
}

/// A claim whose answer was not read yet.
pub enum Claim {
    Asked(Exchange),
    Answered(Response),
}

impl Claim {
    /// The claimed series.
    ///
    /// # Errors
    /// Nothing is known of any series.
    pub fn finish(self) -> Result<Vec<Standing>, ApiError> {
        #[derive(Deserialize)]
        struct Claimed {
            series: Vec<Standing>,
        }
        let response = match self {
            Self::Asked(exchange) => exchange.finish()?,
            Self::Answered(response) => response,
        };
        let claimed: Claimed = understood(&response)?;
        Ok(claimed.series)
    }
}

/// What a response says. Whoever is not to blame for a status is not blamed: only these may be about what was asked.
fn understood<Answer: DeserializeOwned>(response: &Response) -> Result<Answer, ApiError> {
    match response.status {
        200 => serde_json::from_slice(&response.body)
            .map_err(|error| ApiError::Answer(error.to_string())),
        // Malformed, too large or invalid. 500 says that the API's statement failed, which one occurrence may have caused.
        status @ (400 | 413 | 422 | 500) => Err(ApiError::Refused(format!(
            "the API answered {status}: {}",
            detail(&response.body)
        ))),
        status => Err(ApiError::Unable(status, detail(&response.body))),
    }
}

/// The reason in a problem document (RFC 9457), or the beginning of another body.
fn detail(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
        #[serde(default)]
        errors: Vec<Fault>,
    }
    #[derive(Deserialize)]
    struct Fault {
        pointer: String,
        detail: String,
    }
    const LONGEST: usize = 200;
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => problem.errors.iter().fold(problem.detail, |text, fault| {
            format!("{text}; {} {}", fault.pointer, fault.detail)
        }),
        Err(_) => String::from_utf8_lossy(body)
            .chars()
            .take(LONGEST)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn answer(status: u16, body: &str) -> Result<Value, ApiError> {
        understood(&Response {
            status,
            retry_after: None,
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn what_the_request_may_have_caused_is_refused() {
        let problem = r#"{"type":"x","detail":"the body is invalid","errors":[{"pointer":"/occurrences/3/next","detail":"is odd"}]}"#;
        for status in [400, 413, 422, 500] {
            let refused = answer(status, problem).unwrap_err();
            assert!(matches!(refused, ApiError::Refused(_)), "{refused:?}");
            assert_eq!(
                refused.to_string(),
                format!(
                    "the API answered {status}: the body is invalid; /occurrences/3/next is odd"
                )
            );
        }
    }

    #[test]
    fn nobody_is_blamed_for_an_api_that_cannot_work_or_does_not_know_the_agent() {
        for status in [301, 401, 403, 404, 405, 408, 429, 502, 503, 504] {
            let unable = answer(status, "<html>").unwrap_err();
            assert!(matches!(unable, ApiError::Unable(..)), "{unable:?}");
            assert_eq!(unable.code(), format!("http-{status}"));
            assert_eq!(
                unable.to_string(),
                format!("the API answered {status}: <html>")
            );
        }
        let unreachable = ApiError::from(HttpError::Deadline);
        assert_eq!(unreachable.code(), "unreachable");
        assert_eq!(answer(200, "{").unwrap_err().code(), "answer");
    }

    #[test]
    fn a_long_answer_is_cut() {
        let error = answer(502, &"é".repeat(10_000)).unwrap_err().to_string();
        assert!(error.chars().count() < 250, "{error}");
    }
}

//! A person with an HTTP client: the only way the tests touch the API.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use uuid::Uuid;

pub use crate::answer::Answer;
use crate::contract::Contract;

/// A password that no list of common ones holds.
pub const PASSWORD: &str = "correct horse battery staple 7";

/// How long an answer may take that is read as it comes.
const OPEN: Duration = Duration::from_secs(120);

/// Where the API listens.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    /// What every answer must keep to.
    contract: Option<Arc<Contract>>,
}

impl Api {
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn new(base: &str) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            contract: None,
        })
    }

    /// From now on an answer that is not described is an error.
    #[must_use]
    pub fn under(self, contract: Arc<Contract>) -> Self {
        Self {
            contract: Some(contract),
            ..self
        }
    }

    /// # Errors
    /// Where it is under none.
    pub fn contract(&self) -> Result<&Contract> {
        self.contract.as_deref().context("no document is known")
    }

    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Registers somebody new, in the given timezone, and signs in.
    ///
    /// # Errors
    /// Where the API refuses either.
    pub async fn newcomer(&self, timezone: &str) -> Result<Person> {
        let email = format!("{}@example.org", Uuid::new_v4().simple());
        let body =
            json!({"email": email, "password": PASSWORD, "name": "Newcomer", "timezone": timezone});
        let account = self
            .post("/api/auth/register")
            .json(&body)
            .send()
            .await?
            .expect(201)?
            .json()?;
        let tokens = self.login(&email).await?.expect(200)?.json()?;
        let id = account
            .get("id")
            .or_else(|| account.pointer("/user/id"))
            .and_then(Value::as_str);
        Ok(Person {
            api: self.clone(),
            id: id
                .context("register answers with the new user's id")?
                .parse()?,
            email,
            token: text(&tokens, "access_token")?,
            refresh_token: text(&tokens, "refresh_token")?,
        })
    }

    /// # Errors
    /// Where there is no answer.
    pub async fn login(&self, email: &str) -> Result<Answer> {
        self.post("/api/auth/login")
            .json(&json!({"email": email, "password": PASSWORD}))
            .send()
            .await
    }
}

/// Somebody who has signed in.
#[derive(Clone)]
pub struct Person {
    pub api: Api,
    pub id: Uuid,
    pub email: String,
    pub token: String,
    pub refresh_token: String,
}

impl Person {
    /// The same person after signing in again, with the role that the account has by now.
    ///
    /// # Errors
    /// Where the API refuses it.
    pub async fn sign_in(&self) -> Result<Self> {
        let tokens = self.api.login(&self.email).await?.expect(200)?.json()?;
        Ok(Self {
            token: text(&tokens, "access_token")?,
            refresh_token: text(&tokens, "refresh_token")?,
            ..self.clone()
        })
    }

    /// Creates a task and answers with it.
    ///
    /// # Errors
    /// Where the API refuses it.
    pub async fn create(&self, fields: Value) -> Result<Value> {
        self.post("/api/tasks")
            .json(&fields)
            .send()
            .await?
            .expect(201)?
            .json()
    }

    /// Follows `next_cursor` from `path` (which may hold a query) to the end.
    ///
    /// # Errors
    /// Where a page is refused.
    pub async fn pages(&self, path: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(page) = next.take() {
            let mut body = self.get(&page).send().await?.expect(200)?.json()?;
            if let Some(Value::Array(found)) = body.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            if let Some(cursor) = body.get("next_cursor").and_then(Value::as_str) {
                let separator = if path.contains('?') { '&' } else { '?' };
                next = Some(format!("{path}{separator}cursor={}", escape(cursor)));
            }
        }
        Ok(items)
    }
}

/// Who makes requests: anybody, or somebody who has signed in.
pub trait Calls {
    #[must_use]
    fn call(&self, method: Method, path: &str) -> Call;

    #[must_use]
    fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    #[must_use]
    fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    #[must_use]
    fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    #[must_use]
    fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
            .header("content-type", "application/merge-patch+json")
    }

    #[must_use]
    fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }
}

impl Calls for Api {
    fn call(&self, method: Method, path: &str) -> Call {
        Call {
            request: self.http.request(method, format!("{}{path}", self.base)),
            contract: self.contract.clone(),
        }
    }
}

impl Calls for Person {
    fn call(&self, method: Method, path: &str) -> Call {
        let call = self.api.call(method, path);
        Call {
            request: call.request.bearer_auth(&self.token),
            ..call
        }
    }
}

/// A request on its way to being sent.
pub struct Call {
    request: reqwest::RequestBuilder,
    contract: Option<Arc<Contract>>,
}

impl Call {
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        let pair = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value.as_bytes()),
        );
        match pair {
            (Ok(name), Ok(value)) => {
                // reqwest adds to what is there; a test that names a header means to say all of it.
                let mut headers = HeaderMap::new();
                headers.insert(name, value);
                Self {
                    request: self.request.headers(headers),
                    ..self
                }
            }
            _ => self,
        }
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    #[must_use]
    pub fn if_match(self, version: i64) -> Self {
        self.header("if-match", &format!("\"{version}\""))
    }

    /// The JSON body; the content type is set unless the call names one already.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self {
            request: self.request.json(body),
            ..self
        }
    }

    /// A body as it is.
    #[must_use]
    pub fn body(self, body: Vec<u8>) -> Self {
        Self {
            request: self.request.body(body),
            ..self
        }
    }

    /// The answer as soon as it begins; its body is read, or not, by whoever asked.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn open(self) -> Result<reqwest::Response> {
        let response = self.request.timeout(OPEN).send().await?;
        Ok(response.error_for_status()?)
    }

    /// # Errors
    /// Where there is no answer, or one that the API's document does not describe.
    pub async fn send(self) -> Result<Answer> {
        let (http, request) = self.request.build_split();
        let request = request?;
        let method = request.method().clone();
        let response = http.execute(request).await?;
        let answer = Answer {
            status: response.status(),
            path: response.url().path().to_owned(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
        };
        if let Some(contract) = &self.contract {
            contract.judge(&method, &answer)?;
        }
        Ok(answer)
    }
}

/// A member that must be a string.
///
/// # Errors
/// Where it is not.
pub fn text(value: &Value, member: &str) -> Result<String> {
    let found = value.get(member).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("no {member} in {value}"))?
        .to_owned())
}

/// A member that must be a whole number.
///
/// # Errors
/// Where it is not.
pub fn number(value: &Value, member: &str) -> Result<i64> {
    value
        .get(member)
        .and_then(Value::as_i64)
        .with_context(|| format!("no {member} in {value}"))
}

/// Percent-encodes a value for a query.
#[must_use]
pub fn escape(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

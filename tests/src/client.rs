//! The HTTP client of the tests. Every request to the API goes through it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::contract::Contract;
pub use crate::response::Response;

/// The password of every test user. It is on no list of common passwords, so registration accepts it.
pub const PASSWORD: &str = "correct horse battery staple 7";

/// The time limit of a response that a test reads piece by piece.
const STREAM_LIMIT: Duration = Duration::from_secs(120);

/// How long an idle connection is kept. The host closes one after 30 s, and a request that is sent at that moment would fail.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// An anonymous client of one base URL.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    /// The document that every response must match.
    contract: Option<Arc<Contract>>,
}

impl Api {
    /// A client that does not follow redirects and checks no document.
    ///
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(base: &str) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .pool_idle_timeout(POOL_IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            contract: None,
        })
    }

    /// The same client, for which a response that `contract` does not describe is an error.
    #[must_use]
    pub fn checked_against(self, contract: Arc<Contract>) -> Self {
        Self {
            contract: Some(contract),
            ..self
        }
    }

    /// The same client for another base URL.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            ..self.clone()
        }
    }

    /// The document that this client checks responses against.
    ///
    /// # Errors
    /// It checks none.
    pub fn contract(&self) -> Result<&Contract> {
        self.contract
            .as_deref()
            .context("this client checks no OpenAPI document")
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Registers a user in this timezone and signs in.
    ///
    /// # Errors
    /// The API rejects the request.
    pub async fn new_user(&self, timezone: &str) -> Result<User> {
        let email = format!("{}@example.org", Uuid::new_v4().simple());
        let body = json!({
            "email": email,
            "password": PASSWORD,
            "name": "Newcomer",
            "timezone": timezone,
            "sign_in": true,
        });
        let account = self.post("/api/auth/register").json(&body).send().await?;
        let account = account.expect(201)?.json()?;
        let tokens = account.get("tokens").context("no tokens")?;
        Ok(User {
            api: self.clone(),
            id: text(&account, "id")?.parse()?,
            email,
            token: text(tokens, "access_token")?,
            refresh_token: text(tokens, "refresh_token")?,
        })
    }

    /// Signs in with [`PASSWORD`] and returns the response, whatever its status.
    ///
    /// # Errors
    /// There is no response.
    pub async fn login(&self, email: &str) -> Result<Response> {
        self.post("/api/auth/login")
            .json(&json!({"email": email, "password": PASSWORD}))
            .send()
            .await
    }
}

/// A user who has signed in. Requests carry the access token.
#[derive(Clone)]
pub struct User {
    pub api: Api,
    pub id: Uuid,
    pub email: String,
    pub token: String,
    pub refresh_token: String,
}

impl User {
    /// The same user with tokens of a new session, which carry the account's current role.
    ///
    /// # Errors
    /// The API rejects the request.
    pub async fn sign_in(&self) -> Result<Self> {
        let tokens = self.api.login(&self.email).await?.expect(200)?.json()?;
        Ok(Self {
            token: text(&tokens, "access_token")?,
            refresh_token: text(&tokens, "refresh_token")?,
            ..self.clone()
        })
    }

    /// Creates a task and returns it.
    ///
    /// # Errors
    /// The API rejects the request.
    pub async fn create(&self, fields: Value) -> Result<Value> {
        self.post("/api/tasks")
            .json(&fields)
            .send()
            .await?
            .expect(201)?
            .json()
    }

    /// The items of all pages of a list. `path` may have a query.
    ///
    /// # Errors
    /// The API rejects the request for a page.
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

/// Starts requests, anonymously or as a user.
pub trait Requests {
    /// A request for a path, which may have a query.
    #[must_use]
    fn request(&self, method: Method, path: &str) -> RequestBuilder;

    #[must_use]
    fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    #[must_use]
    fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    #[must_use]
    fn put(&self, path: &str) -> RequestBuilder {
        self.request(Method::PUT, path)
    }

    /// A request with a JSON merge patch (RFC 7396).
    #[must_use]
    fn patch(&self, path: &str) -> RequestBuilder {
        self.request(Method::PATCH, path)
            .header("content-type", "application/merge-patch+json")
    }

    #[must_use]
    fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }
}

impl Requests for Api {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder {
            request: self.http.request(method, format!("{}{path}", self.base)),
            contract: self.contract.clone(),
        }
    }
}

impl Requests for User {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.api.request(method, path);
        RequestBuilder {
            request: request.request.bearer_auth(&self.token),
            ..request
        }
    }
}

/// A request that is not sent yet.
pub struct RequestBuilder {
    request: reqwest::RequestBuilder,
    contract: Option<Arc<Contract>>,
}

impl RequestBuilder {
    /// Sets a header. A name or a value that HTTP does not allow is left out.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        let pair = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value.as_bytes()),
        );
        match pair {
            (Ok(name), Ok(value)) => {
                // `RequestBuilder::header` of reqwest appends; a test that names a header replaces its value.
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

    /// Sets the idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Makes the request conditional on a version of the resource.
    #[must_use]
    pub fn if_match(self, version: i64) -> Self {
        self.header("if-match", &format!("\"{version}\""))
    }

    /// Sets a JSON body, and the content type unless the request has one.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self {
            request: self.request.json(body),
            ..self
        }
    }

    /// Sets a body without a content type.
    #[must_use]
    pub fn body(self, body: Vec<u8>) -> Self {
        Self {
            request: self.request.body(body),
            ..self
        }
    }

    /// Sends the request and returns when the response's headers are there. The caller reads the body.
    ///
    /// # Errors
    /// There is no response, or its status is an error.
    pub async fn open(self) -> Result<reqwest::Response> {
        let response = self.request.timeout(STREAM_LIMIT).send().await?;
        Ok(response.error_for_status()?)
    }

    /// Sends the request and returns the complete response, whatever its status.
    ///
    /// # Errors
    /// There is no response, or the OpenAPI document does not describe it.
    pub async fn send(self) -> Result<Response> {
        let (http, request) = self.request.build_split();
        let request = request?;
        let method = request.method().clone();
        let response = http.execute(request).await?;
        let response = Response {
            status: response.status(),
            path: response.url().path().to_owned(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
        };
        if let Some(contract) = &self.contract {
            contract.check(&method, &response)?;
        }
        Ok(response)
    }
}

/// The string in a member of a JSON object.
///
/// # Errors
/// The member is absent or not a string.
pub fn text(value: &Value, member: &str) -> Result<String> {
    let found = value.get(member).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("no {member} in {value}"))?
        .to_owned())
}

/// The integer in a member of a JSON object.
///
/// # Errors
/// The member is absent or not an integer.
pub fn number(value: &Value, member: &str) -> Result<i64> {
    value
        .get(member)
        .and_then(Value::as_i64)
        .with_context(|| format!("no {member} in {value}"))
}

/// Percent-encodes a value for a query or for one path segment.
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

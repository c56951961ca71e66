//! HTTP to one server: one request, one answer, and when a request is sent again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Url;

use crate::backoff::Backoff;
use crate::error::Error;

/// An answer has at most as many bytes. A page of a sync has about 4 MiB.
const LARGEST: usize = 64 * 1024 * 1024;

/// How long a command waits for the server.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub connect: Duration,
    /// From the connection to the end of the answer.
    pub answer: Duration,
    /// For attempts at one request; no attempt begins after it.
    pub attempts: Duration,
}

impl Patience {
    /// For what works offline as well: a person waits.
    pub const BRIEF: Self = Self {
        connect: Duration::from_secs(2),
        answer: Duration::from_secs(10),
        attempts: Duration::from_secs(2),
    };
    /// For what needs the server.
    pub const LONG: Self = Self {
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(30),
        attempts: Duration::from_secs(15),
    };
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    /// With the query.
    pub path: String,
    pub body: Option<Value>,
    pub headers: Vec<(HeaderName, String)>,
}

impl Ask {
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, None)
    }

    pub fn post(path: impl Into<String>, body: Option<Value>) -> Self {
        Self::new(Method::POST, path, body)
    }

    fn new(method: Method, path: impl Into<String>, body: Option<Value>) -> Self {
        Self {
            method,
            path: path.into(),
            body,
            headers: Vec::new(),
        }
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with an access token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        self.clone()
            .header(AUTHORIZATION, format!("Bearer {token}"))
    }
}

/// A complete answer.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    server: String,
}

impl Answered {
    /// The body of an answer with this status.
    ///
    /// # Errors
    /// The status is another one, or the body is not what it should be.
    pub fn expect<T: DeserializeOwned>(&self, status: u16) -> Result<T, Error> {
        if self.status != status {
            return Err(self.problem());
        }
        serde_json::from_slice(&self.body).map_err(|error| self.strange(error))
    }

    /// The error of an answer that is not the one that was hoped for.
    pub fn problem(&self) -> Error {
        match self.document() {
            Some(problem) => Error::Problem {
                status: self.status,
                problem,
            },
            // A proxy answers for a server that is away.
            None if self.status >= 500 => Error::Unreachable {
                server: self.server.clone(),
                cause: format!("a proxy answers with status {}", self.status),
                connected: true,
            },
            None => self.strange(format_args!("status {}", self.status)),
        }
    }

    /// The problem document of one of Spindle's servers. What a proxy answers has another form.
    pub fn document(&self) -> Option<Value> {
        let problem: Value = serde_json::from_slice(&self.body).ok()?;
        let kind = problem.get("type")?.as_str()?;
        kind.starts_with("urn:spindle:problems/").then_some(problem)
    }

    fn strange(&self, detail: impl std::fmt::Display) -> Error {
        Error::NotSpindle {
            server: self.server.clone(),
            detail: detail.to_string(),
        }
    }

    /// How long the server asks to wait.
    fn retry_after(&self) -> Option<Duration> {
        let written = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        if let Ok(seconds) = written.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = DateTime::parse_from_rfc2822(written).ok()?;
        let now: DateTime<Utc> = std::time::SystemTime::now().into();
        (at.with_timezone(&Utc) - now).to_std().ok()
    }
}

/// A client of one server. It keeps its connection.
#[derive(Clone)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    server: Url,
    patience: Patience,
}

impl Http {
    /// A client of the server at this address.
    ///
    /// # Errors
    /// The certificates of this machine cannot be read.
    pub fn new(server: Url, patience: Patience) -> Result<Self, Error> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(patience.connect));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(&server)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            server,
            patience,
        })
    }

    /// Sends a request, again if that may help, and returns the answer, whatever its status.
    ///
    /// # Errors
    /// No answer comes, or the server asks to wait for longer than the patience lasts.
    pub async fn send(&self, ask: &Ask) -> Result<Answered, Error> {
        let (start, mut backoff) = (Instant::now(), Backoff::new());
        loop {
            let answered = self.once(ask).await?;
            let wait = match answered.status {
                429 | 503 => answered.retry_after().unwrap_or_else(|| backoff.wait()),
                502 | 504 => backoff.wait(),
                _ => return Ok(answered),
            };
            if start.elapsed() + wait > self.patience.attempts {
                return match answered.status {
                    429 | 503 => Err(Error::Busy { after: wait }),
                    _ => Ok(answered),
                };
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends a request, and returns the answer when its header is there.
    ///
    /// # Errors
    /// No answer comes in time.
    pub async fn open(&self, ask: &Ask) -> Result<http::Response<Incoming>, Error> {
        let mut request = Request::builder()
            .method(&ask.method)
            .uri(self.url(&ask.path))
            .header(USER_AGENT, concat!("spindle/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, "application/json, application/problem+json");
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let mut body = Vec::new();
        if let Some(json) = &ask.body {
            request = request.header(CONTENT_TYPE, "application/json");
            body = serde_json::to_vec(json)?;
        }
        let request = request.body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| Error::Address(error.to_string()))?;
        let answer = timeout(self.patience.answer, self.client.request(request)).await;
        answer
            .map_err(|_| self.unreachable("it does not answer", true))?
            .map_err(|error| self.unreachable(cause(&error), !error.is_connect()))
    }

    async fn once(&self, ask: &Ask) -> Result<Answered, Error> {
        let answer = self.open(ask).await?;
        let (head, body) = answer.into_parts();
        let body = timeout(self.patience.answer, Limited::new(body, LARGEST).collect()).await;
        let body = body
            .map_err(|_| self.unreachable("its answer does not end", true))?
            .map_err(|error| self.unreachable(error.to_string(), true))?;
        Ok(Answered {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_bytes(),
            server: self.name(),
        })
    }

    /// That this server is away.
    pub fn unreachable(&self, cause: impl Into<String>, connected: bool) -> Error {
        Error::Unreachable {
            server: self.name(),
            cause: cause.into(),
            connected,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.as_str().trim_end_matches('/'))
    }

    /// The address, for messages.
    fn name(&self) -> String {
        self.server.as_str().trim_end_matches('/').to_owned()
    }
}

/// The innermost reason, which is the one that says something to a person.
fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The authorities that this machine trusts, or those of `SSL_CERT_FILE`. Reading them takes time, so it is done for https only.
fn tls(server: &Url) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    if server.scheme() == "https" {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Error::Address(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

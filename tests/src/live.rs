//! Clients of the gateway: over WebSocket, with server-sent events, and one that follows the rules whatever is killed.

pub mod follow;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::{Requests, User, text};

/// The origin of web pages that the gateways of a test system let in.
pub const ORIGIN: &str = "https://tasks.example.org";
/// How often these gateways ping.
pub const PING: Duration = Duration::from_secs(4);
/// The time limit of what takes milliseconds when nothing is broken.
const LIMIT: Duration = Duration::from_secs(20);

/// A ticket for a client that is no browser.
///
/// # Errors
/// The API refuses it.
pub async fn ticket(user: &User) -> Result<String> {
    let answer = user.post("/api/live/ticket").send().await?;
    text(&answer.expect(201)?.json()?, "ticket")
}

/// What a client hears.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Message(Value),
    /// The close code and the reason, which is JSON.
    Closed(u16, Value),
}

/// A WebSocket.
pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    /// Opens a WebSocket, with a header `Origin` if there is one. The first message is still to be sent.
    ///
    /// # Errors
    /// The gateway refuses the request; the error names the status.
    pub async fn open(gateway: SocketAddr, origin: Option<&str>) -> Result<Self> {
        let stream = TcpStream::connect(gateway).await?;
        Self::over(stream, gateway, origin).await
    }

    /// As [`Self::open`], on this connection.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn over(
        stream: TcpStream,
        gateway: SocketAddr,
        origin: Option<&str>,
    ) -> Result<Self> {
        let mut request = format!("ws://{gateway}/live").into_client_request()?;
        if let Some(origin) = origin {
            let origin = HeaderValue::from_str(origin)?;
            request.headers_mut().insert("origin", origin);
        }
        match timeout(LIMIT, client_async(request, stream)).await? {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => bail!("status {}", response.status().as_u16()),
            Err(error) => Err(error.into()),
        }
    }

    /// Connects a user who is complete up to this number. Returns the answer, too.
    ///
    /// # Errors
    /// The user is not let in.
    pub async fn join(gateway: SocketAddr, user: &User, seq: Option<i64>) -> Result<(Self, Value)> {
        let mut socket = Self::open(gateway, None).await?;
        let first = json!({"ticket": ticket(user).await?, "cursor": "c", "seq": seq});
        socket.send(&first.to_string()).await?;
        let hello = socket.message().await?;
        ensure!(
            hello["type"] == "hello" && hello["cursor"] == "c",
            "unexpected: {hello}"
        );
        Ok((socket, hello))
    }

    /// Sends a text.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.0.send(Message::text(text)).await?)
    }

    /// The next message or the end. Pings are answered meanwhile.
    ///
    /// # Errors
    /// The connection breaks without a close frame, or nothing comes within the limit.
    pub async fn next(&mut self, limit: Duration) -> Result<Heard> {
        let next = async {
            loop {
                let message = self.0.next().await.context("the connection ended")??;
                match message {
                    Message::Text(text) => {
                        return Ok(Heard::Message(serde_json::from_str(&text)?));
                    }
                    Message::Close(Some(frame)) => {
                        let reason = serde_json::from_str(&frame.reason)?;
                        return Ok(Heard::Closed(frame.code.into(), reason));
                    }
                    Message::Close(None) => bail!("closed without a code"),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => bail!("unexpected: {other:?}"),
                }
            }
        };
        timeout(limit, next)
            .await
            .with_context(|| format!("nothing came within {limit:?}"))?
    }

    /// The next message.
    ///
    /// # Errors
    /// There is none.
    pub async fn message(&mut self) -> Result<Value> {
        match self.next(LIMIT).await? {
            Heard::Message(message) => Ok(message),
            closed @ Heard::Closed(..) => bail!("unexpected: {closed:?}"),
        }
    }

    /// The code with which the gateway closes the connection, and the reason. Messages that come before are skipped.
    ///
    /// # Errors
    /// The connection is not closed within the limit.
    pub async fn closed(&mut self, limit: Duration) -> Result<(u16, Value)> {
        let closed = async {
            loop {
                if let Heard::Closed(code, reason) = self.next(limit).await? {
                    return Ok((code, reason));
                }
            }
        };
        timeout(limit, closed)
            .await
            .with_context(|| format!("not closed within {limit:?}"))?
    }
}

/// One server-sent event.
#[derive(Debug, Default, PartialEq)]
pub struct Event {
    pub id: Option<i64>,
    pub name: Option<String>,
    pub data: Value,
}

/// A stream of server-sent events.
pub struct Events {
    response: reqwest::Response,
    buffer: String,
}

impl Events {
    /// Asks for a stream, with these headers.
    ///
    /// # Errors
    /// The gateway does not answer.
    pub async fn request(
        gateway: SocketAddr,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Result<reqwest::Response> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut request = client.get(format!("http://{gateway}/live/events?{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(timeout(LIMIT, request.send()).await??)
    }

    /// Opens a stream for a user who is complete up to this number.
    ///
    /// # Errors
    /// The user is not let in.
    pub async fn join(gateway: SocketAddr, user: &User, seq: i64) -> Result<Self> {
        let query = format!("ticket={}&seq={seq}", ticket(user).await?);
        let response = Self::request(gateway, &query, &[]).await?;
        ensure!(response.status() == 200, "status {}", response.status());
        Ok(Self::of(response))
    }

    #[must_use]
    pub fn of(response: reqwest::Response) -> Self {
        let buffer = String::new();
        Self { response, buffer }
    }

    /// The next event. Comments are skipped.
    ///
    /// # Errors
    /// The stream ends, or nothing comes within the limit.
    pub async fn next(&mut self) -> Result<Event> {
        timeout(LIMIT, async {
            loop {
                while let Some((event, rest)) = self.buffer.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    self.buffer = rest;
                    if !event.starts_with(':') {
                        return parse(&event);
                    }
                }
                let chunk = self.response.chunk().await?;
                let chunk = chunk.context("the stream of events ended")?;
                self.buffer.push_str(std::str::from_utf8(&chunk)?);
            }
        })
        .await
        .context("no event came")?
    }
}

fn parse(text: &str) -> Result<Event> {
    let mut event = Event::default();
    for line in text.lines() {
        match line.split_once(": ").context("a line without a field")? {
            ("id", id) => event.id = Some(id.parse()?),
            ("event", name) => event.name = Some(name.to_owned()),
            ("data", data) => event.data = serde_json::from_str(data)?,
            _ => bail!("unexpected: {line}"),
        }
    }
    Ok(event)
}

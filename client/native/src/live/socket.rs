//! The WebSocket to the gateway.

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

use client::live::Message;
use futures::{FutureExt, SinkExt, StreamExt};
use http::HeaderName;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message as Frame};

use crate::api::Api;
use crate::error::Error;
use crate::http::Ask;

/// What came.
pub enum Heard {
    Message(Box<Message>),
    /// A ping, or something of a later version.
    Alive,
    Closed {
        why: String,
        after: Option<Duration>,
        code: Option<u16>,
    },
}

pub struct Socket {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    /// What came and was not handed out yet.
    waiting: VecDeque<Heard>,
}

impl Socket {
    /// Opens a connection for a client that has all changes up to `seq`.
    ///
    /// # Errors
    /// The gateway refuses, or cannot be reached.
    pub async fn open(api: &Api, seq: u64) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Ticket {
            ticket: String,
        }
        let ticket = api.send(&Ask::post("/api/live/ticket", None)).await?;
        let Ticket { ticket } = ticket.expect(201)?;
        let gateway = api.gateway()?;
        let key = generate_key();
        let upgrade: [(HeaderName, &str); 4] = [
            (CONNECTION, "upgrade"),
            (UPGRADE, "websocket"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, &key),
        ];
        let ask = upgrade
            .into_iter()
            .fold(Ask::get("/live"), |ask, (name, value)| {
                ask.header(name, value)
            });
        let answer = gateway.open(&ask).await?;
        let accepts = answer.headers().get(SEC_WEBSOCKET_ACCEPT);
        let is_right =
            accepts.is_some_and(|accept| accept == derive_accept_key(key.as_bytes()).as_str());
        if answer.status() != 101 || !is_right {
            let status = answer.status().as_u16();
            let cause = format!("it serves no live connections there (status {status})");
            return Err(gateway.unreachable(cause, true));
        }
        let cut = |error: &dyn Display| gateway.unreachable(error.to_string(), true);
        let upgraded = hyper::upgrade::on(answer).await;
        let upgraded = upgraded.map_err(|error| cut(&error))?;
        let mut stream =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await;
        let first = json!({"ticket": ticket, "cursor": null, "seq": seq}).to_string();
        let sent = stream.send(Frame::text(first)).await;
        sent.map_err(|error| cut(&error))?;
        Ok(Self {
            stream,
            waiting: VecDeque::new(),
        })
    }

    /// What comes next. Nothing is lost if the caller stops waiting.
    pub async fn next(&mut self) -> Heard {
        match self.waiting.pop_front() {
            Some(heard) => heard,
            None => heard(self.stream.next().await),
        }
    }

    /// The next message, if it is here already.
    pub fn ready(&mut self) -> Option<Message> {
        while self.waiting.is_empty() {
            let came = heard(self.stream.next().now_or_never()?);
            if !matches!(came, Heard::Alive) {
                self.waiting.push_back(came);
            }
        }
        match self.waiting.pop_front()? {
            Heard::Message(message) => Some(*message),
            other => {
                self.waiting.push_front(other);
                None
            }
        }
    }
}

fn heard(came: Option<Result<Frame, SocketError>>) -> Heard {
    let closed = |why: &str| Heard::Closed {
        why: why.to_owned(),
        after: None,
        code: None,
    };
    match came {
        // What a message of a later version says is fetched with the next pull.
        Some(Ok(Frame::Text(text))) => match serde_json::from_str(&text) {
            Ok(message) => Heard::Message(Box::new(message)),
            Err(_) => Heard::Alive,
        },
        Some(Ok(Frame::Close(Some(frame)))) => {
            let reason: Value = serde_json::from_str(&frame.reason).unwrap_or_default();
            let after = reason.get("after_ms").and_then(Value::as_u64);
            let why = reason.get("reason").and_then(Value::as_str);
            Heard::Closed {
                why: why
                    .unwrap_or("the gateway has closed the connection")
                    .replace('_', " "),
                after: after.map(Duration::from_millis),
                code: Some(frame.code.into()),
            }
        }
        Some(Ok(Frame::Close(None))) | None => closed("the connection was closed"),
        Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Binary(_) | Frame::Frame(_))) => {
            Heard::Alive
        }
        Some(Err(error)) => closed(&error.to_string()),
    }
}

//! `GET /live`: a WebSocket (RFC 6455). The client sends one message, and only reads after that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;

use super::Gateway;
use super::accounts::Origin;
use super::closing::Closing;
use super::connection::{CLOSE_LIMIT, End, Wire};
use super::outlet::Item;
use super::request;

/// The most bytes of a message, and of a frame.
const MOST_BYTES: usize = 64 * 1024;
/// A connection costs such a buffer all the time. Clients send little.
const READ_BUFFER: usize = 4 * 1024;
/// Frames that a client may send within a while: pongs, and pings of its own.
const MOST_FRAMES: u32 = 100;
const FRAMES_WITHIN: Duration = Duration::from_secs(20);
/// Time for the first message.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// The first message of a client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    ticket: String,
    /// The client's cursor for `/api/sync`. It comes back in `hello`; a gateway cannot check it.
    #[serde(default)]
    cursor: Option<String>,
    /// The number up to which the client is complete.
    #[serde(default)]
    seq: Option<i64>,
}

/// Upgrades the request, if its origin may connect.
pub async fn upgrade(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let origin = match request::origin(&headers, &gateway.origins) {
        // Browsers always send the origin of a page that opens a WebSocket.
        Ok(origin) => Origin {
            is_own: false,
            ..origin
        },
        Err(refused) => return refused.into_response(),
    };
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MOST_BYTES)
        .max_frame_size(MOST_BYTES)
        .on_upgrade(move |socket| async move {
            let tasks = gateway.tasks.clone();
            tasks.track_future(serve(gateway, socket, origin)).await;
        })
}

async fn serve(gateway: Arc<Gateway>, socket: WebSocket, origin: Origin) {
    let _counted = gateway.metrics.live.counted("websocket");
    let mut wire = Socket {
        socket,
        frames: 0,
        since: Instant::now(),
    };
    let first = tokio::select! {
        first = timeout(HANDSHAKE_LIMIT, wire.first()) => first.unwrap_or(Err(End::Closing(Closing::NO_MESSAGE))),
        () = gateway.stop.cancelled() => Err(End::Closing(Closing::STOPPING)),
    };
    let opened = match first {
        Err(end) => Err(end),
        Ok(first) => {
            let open = gateway.open(&first.ticket, first.seq, &origin).await;
            open.map(|open| (open, first.cursor)).map_err(End::Closing)
        }
    };
    match opened {
        Err(End::Gone) => {}
        Err(End::Closing(closing)) => wire.close(closing).await,
        Ok((open, cursor)) => {
            let hello = json!({"type": "hello", "seq": open.joined.seq, "cursor": cursor});
            let sent = timeout(CLOSE_LIMIT, wire.write(Message::text(hello.to_string()))).await;
            if matches!(sent, Ok(Ok(()))) {
                gateway.serve(wire, open).await;
            }
        }
    }
}

/// A WebSocket that the client has opened.
struct Socket {
    socket: WebSocket,
    /// How many frames came since `since`.
    frames: u32,
    since: Instant,
}

impl Socket {
    async fn write(&mut self, message: Message) -> Result<(), End> {
        self.socket.send(message).await.map_err(end_of)
    }

    /// The next text of the client; `None` for a frame without one.
    async fn read(&mut self) -> Result<Option<String>, End> {
        let message = match self.socket.recv().await {
            None => return Err(End::Gone),
            Some(Err(error)) => return Err(end_of(error)),
            Some(Ok(message)) => message,
        };
        if self.since.elapsed() > FRAMES_WITHIN {
            (self.since, self.frames) = (Instant::now(), 0);
        }
        self.frames += 1;
        if self.frames > MOST_FRAMES {
            return Err(End::Closing(Closing::FLOOD));
        }
        match message {
            Message::Text(text) => Ok(Some(text.to_string())),
            Message::Binary(_) => Err(End::Closing(Closing::BINARY)),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
            Message::Close(_) => {
                // Reading on sends the answer to the close frame.
                let _ = timeout(CLOSE_LIMIT, self.socket.recv()).await;
                Err(End::Gone)
            }
        }
    }

    async fn first(&mut self) -> Result<First, End> {
        loop {
            if let Some(text) = self.read().await? {
                let first: First =
                    serde_json::from_str(&text).map_err(|_| End::Closing(Closing::BAD_MESSAGE))?;
                return Ok(first);
            }
        }
    }
}

impl Wire for Socket {
    const ANSWERS: bool = true;

    async fn send(&mut self, item: Item) -> Result<(), End> {
        self.write(Message::Text(item.text)).await
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.write(Message::Ping(Default::default())).await
    }

    async fn heard(&mut self) -> Result<(), End> {
        match self.read().await? {
            None => Ok(()),
            Some(_) => Err(End::Closing(Closing::BAD_MESSAGE)),
        }
    }

    async fn close(mut self, closing: Closing) {
        let frame = CloseFrame {
            code: closing.code,
            reason: closing.text().into(),
        };
        let end = async {
            self.write(Message::Close(Some(frame))).await?;
            // The client answers, or it is still sending. A connection that ends with unread bytes is reset, and the client might never
            // see the close frame.
            while self
                .socket
                .recv()
                .await
                .is_some_and(|message| message.is_ok())
            {}
            Ok::<_, End>(())
        };
        let ended = timeout(CLOSE_LIMIT, end).await;
        if closing == Closing::TOO_LARGE && ended.is_ok() {
            tokio::time::sleep(CLOSE_LIMIT).await;
        }
    }
}

/// What an error of the socket says to the client, if it is still there.
fn end_of(error: axum::Error) -> End {
    let error = error.into_inner();
    match error.downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => End::Closing(Closing::TOO_LARGE),
        Some(Error::Utf8(_)) => End::Closing(Closing::NOT_UTF8),
        Some(Error::Protocol(_)) => End::Closing(Closing::PROTOCOL),
        _ => End::Gone,
    }
}

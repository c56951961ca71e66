//! `GET /live/events`: the same messages as server-sent events (HTML Living Standard, section 9.2).

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::live;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Gateway;
use super::closing::Closing;
use super::connection::{CLOSE_LIMIT, End, Open, Wire};
use super::outlet::Item;
use super::request::{self, Refused};

/// The query of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    ticket: String,
    /// The number up to which the client is complete. `Last-Event-ID` comes first: a client that connects again sends it.
    seq: Option<i64>,
}

/// Ends the TCP connection that a request came on.
#[derive(Clone, Debug)]
pub struct Connection(pub CancellationToken);

/// Opens a stream of events, if the ticket is good.
pub async fn stream(
    State(gateway): State<Arc<Gateway>>,
    Extension(Connection(connection)): Extension<Connection>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let origin = match request::origin(&headers, &gateway.origins) {
        Ok(origin) => origin,
        Err(refused) => return refused.into_response(),
    };
    let last_id = headers.get("last-event-id");
    let last_id = last_id.and_then(|id| id.to_str().ok()?.parse().ok());
    let seq = last_id.or(asked.seq);
    let mut response = match gateway.open(&asked.ticket, seq, &origin).await {
        Ok(open) => respond(gateway, open, connection),
        Err(closing) => refused(closing).into_response(),
    };
    let name = origin.name.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(name)) = name {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, name);
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// The status of a request that is not served.
fn refused(closing: Closing) -> Refused {
    let (status, retry_after) = match closing {
        Closing::TICKET_ELSEWHERE => (StatusCode::FORBIDDEN, None),
        Closing::TOO_MANY => (StatusCode::TOO_MANY_REQUESTS, Some(10)),
        Closing::UNAVAILABLE => (StatusCode::SERVICE_UNAVAILABLE, Some(2)),
        _ => (StatusCode::UNAUTHORIZED, None),
    };
    Refused {
        status,
        reason: closing.reason,
        retry_after,
    }
}

fn respond(gateway: Arc<Gateway>, open: Open, connection: CancellationToken) -> Response {
    let (sender, receiver) = mpsc::channel(1);
    // Without an id, because a client that is told `resync` next has not what the number stands for.
    let hello = json!({"type": "hello", "seq": open.joined.seq});
    let hello = format!("data: {hello}\n\n");
    let tasks = gateway.tasks.clone();
    tasks.spawn(async move {
        let _counted = gateway.metrics.live.counted("events");
        let mut wire = Events(sender);
        if wire.write(hello).await.is_ok() {
            gateway.serve(wire, open).await;
        }
        // What waits in the buffers of a client that does not read holds the connection open.
        let _ = timeout(CLOSE_LIMIT, connection.cancelled()).await;
        connection.cancel();
    });
    let chunks = futures::stream::unfold(receiver, async |mut receiver| {
        let chunk: Bytes = receiver.recv().await?;
        Some((chunk, receiver))
    });
    let body = Body::from_stream(chunks.map(Ok::<_, std::convert::Infallible>));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Nginx would keep events until a buffer is full.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

/// The body of a response, which takes one chunk at a time.
struct Events(mpsc::Sender<Bytes>);

impl Events {
    async fn write(&mut self, text: String) -> Result<(), End> {
        self.0.send(text.into()).await.map_err(|_| End::Gone)
    }
}

impl Wire for Events {
    const ANSWERS: bool = false;

    async fn send(&mut self, item: Item) -> Result<(), End> {
        let text = item.text.as_str();
        // A client that resumes has read what it names. What `resync` tells of is not in it, so it has no id.
        let event = match item.change {
            Some(seq) if !live::is_resync(text) => format!("id: {seq}\ndata: {text}\n\n"),
            _ => format!("data: {text}\n\n"),
        };
        self.write(event).await
    }

    /// A comment. It keeps proxies from ending the connection, and shows whether the client is there.
    async fn ping(&mut self) -> Result<(), End> {
        self.write(":\n\n".to_owned()).await
    }

    async fn heard(&mut self) -> Result<(), End> {
        self.0.closed().await;
        Err(End::Gone)
    }

    async fn close(mut self, closing: Closing) {
        let _ = timeout(CLOSE_LIMIT, self.write(closing.event())).await;
    }
}
